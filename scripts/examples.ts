/**
 * `npm run examples`: every example of `scripts/examples` against Chorus, with what it answered. The simulator answers
 * unless other flags for `chorus serve` are given (`npm run examples -- --engine cpu --python P --model-path M`). Those in
 * Python run where `node scripts/clients-env.ts` has made their environment; `--only` takes `javascript` or `python`.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { execa } from 'execa';
import PQueue from 'p-queue';
import { vocabularyDirectory } from '../src/system/vocabulary.ts';
import { replicasReady, startChorus } from '../test/support/chorus-process.ts';
import { openLocalhostDoor } from '../test/support/localhost-door.ts';
import { clientsPython } from './clients-env.ts';

/** A real vLLM on two cores takes minutes. */
const START_TIMEOUT_MS = 300_000;
/** LiteLLM's proxy alone takes half a minute to start. */
const EXAMPLE_TIMEOUT_MS = 240_000;
const AT_ONCE = 2;

/** What an example's first comment says. */
function purposeOf(path: string): string {
  const [, script, python] = /^(?:\/\*\*([^]*?)\*\/|"""([^]*?)""")/.exec(readFileSync(path, 'utf8')) ?? [];
  return (script ?? python ?? '').replaceAll(/\s+(?:\* )?/g, ' ').trim();
}

interface Outcome {
  readonly path: string;
  /** What it printed, both streams. */
  readonly said: string;
  readonly passed: boolean;
}

async function runExample(path: string, program: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const options = { env, all: true, reject: false, timeout: EXAMPLE_TIMEOUT_MS } as const;
  const { all, failed } = await execa(program, [path], options);
  return { path, said: all, passed: !failed };
}

function print({ path, said, passed }: Outcome): void {
  console.log(`${basename(path)}: ${purposeOf(path)}`);
  console.log(said.replaceAll(/^/gm, '  '));
  console.log(`${passed ? 'passed' : 'failed'}\n`);
}

/** `--only LANGUAGE` and, for `chorus serve`, the rest. */
function readArguments(given: readonly string[]): { only: string | undefined; flags: readonly string[] } {
  const at = given.indexOf('--only');
  const flags = at === -1 ? given : given.toSpliced(at, 2);
  return { only: at === -1 ? undefined : given[at + 1], flags: flags.length > 0 ? flags : ['--engine', 'simulated'] };
}

/** The programs that run examples, by how their names end; null: there is none here. */
function programsFor(only: string | undefined): Readonly<Record<string, string | null>> {
  return {
    ...(only === 'python' ? {} : { ts: process.execPath }),
    ...(only === 'javascript' ? {} : { py: clientsPython() }),
  };
}

const { only, flags } = readArguments(process.argv.slice(2));
const chorus = await startChorus([...flags, '--replicas', '1']);
const door = await openLocalhostDoor(chorus.url);
try {
  await replicasReady(chorus, 1, START_TIMEOUT_MS);
  const env = {
    ...door.env,
    CHORUS_BASE_URL: `${chorus.url}/v1`,
    OPENAI_BASE_URL: `${chorus.url}/v1`,
    OPENAI_API_KEY: 'EMPTY',
    TIKTOKEN_ENCODINGS_BASE: vocabularyDirectory,
  };
  const queue = new PQueue({ concurrency: AT_ONCE });
  const runs = Object.entries(programsFor(only)).flatMap(([ending, program]) => {
    const paths = globSync(`scripts/examples/*.${ending}`).toSorted();
    if (program === null) {
      console.log(
        `${paths.length} examples in Python are left out: node scripts/clients-env.ts makes what they need.\n`,
      );
      return [];
    }
    return paths.map((path) => {
      const endpoint = path.includes('lm-harmony') ? { SYNTH_GPU_HARMONY_ENDPOINT: chorus.url } : {};
      return queue.add(() => runExample(path, program, { ...env, ...endpoint }));
    });
  });
  const outcomes = await Promise.all(runs);
  outcomes.forEach(print);
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  console.log(`${outcomes.length} examples, ${passed} passed`);
  if (passed < outcomes.length) process.exitCode = 1;
} finally {
  await chorus.stop();
  await door.close();
}
