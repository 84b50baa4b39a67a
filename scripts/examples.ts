/**
 * `npm run examples`: every example of `scripts/examples` against Chorus, with what it answered. The simulator answers
 * unless other flags for `chorus serve` are given (`npm run examples -- --engine cpu --python P --model-path M`), or a
 * server that runs already (`--url http://localhost:8000`, with its key in `OPENAI_API_KEY`). Those in Python run where
 * `node scripts/clients-env.ts` has made their environment; `--only` takes `javascript` or `python`.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { execa } from 'execa';
import PQueue from 'p-queue';
import { vocabularyDirectory } from '../src/system/vocabulary.ts';
import { replicasReady, startChorus, type RunningChorus } from '../test/support/chorus-process.ts';
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

/** Takes an option and its value out of the arguments. */
function takeOption(args: string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args.splice(at, 2)[1];
}

/** Chorus with these flags for `serve`, and with one replica. */
async function startOwn(flags: readonly string[]): Promise<RunningChorus> {
  const chorus = await startChorus([...(flags.length > 0 ? flags : ['--engine', 'simulated']), '--replicas', '1']);
  return replicasReady(chorus, 1, START_TIMEOUT_MS).then(
    () => chorus,
    async (error: unknown) => {
      await chorus.stop();
      throw error;
    },
  );
}

/** The programs that run examples, by how their names end; null: there is none here. */
function programsFor(only: string | undefined): Readonly<Record<string, string | null>> {
  return {
    ...(only === 'python' ? {} : { ts: process.execPath }),
    ...(only === 'javascript' ? {} : { py: clientsPython() }),
  };
}

const args = process.argv.slice(2);
const only = takeOption(args, '--only');
const given = takeOption(args, '--url');
const own = given === undefined ? await startOwn(args) : null;
const url = (given ?? own?.url ?? '').replace(/\/$/, '');
const door = await openLocalhostDoor(url);
try {
  const env = {
    ...door.env,
    CHORUS_BASE_URL: `${url}/v1`,
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: process.env['OPENAI_API_KEY'] ?? 'EMPTY',
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
      const endpoint = path.includes('lm-harmony') ? { SYNTH_GPU_HARMONY_ENDPOINT: url } : {};
      return queue.add(() => runExample(path, program, { ...env, ...endpoint }));
    });
  });
  const outcomes = await Promise.all(runs);
  outcomes.forEach(print);
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  console.log(`${outcomes.length} examples, ${passed} passed`);
  if (passed < outcomes.length) process.exitCode = 1;
} finally {
  await own?.stop();
  await door.close();
}
