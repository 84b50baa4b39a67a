/** `npm run examples`: every example of `scripts/examples` against Chorus on the simulator, with what it answered. */
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { execa } from 'execa';
import { replicasReady, startChorus } from '../test/support/chorus-process.ts';
import { openEngineDoor } from '../test/support/engine-door.ts';
import { startSimulator } from '../test/support/engine-process.ts';

const START_TIMEOUT_MS = 60_000;
const EXAMPLE_TIMEOUT_MS = 60_000;

/** What an example's first comment says. */
const purposeOf = (path: string): string =>
  (/\/\*\*([^]*?)\*\//.exec(readFileSync(path, 'utf8'))?.[1] ?? '').replaceAll(/\s+(?:\* )?/g, ' ').trim();

interface Outcome {
  readonly path: string;
  /** What it printed, both streams. */
  readonly said: string;
  readonly passed: boolean;
}

async function runExample(path: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const options = { env, all: true, reject: false, timeout: EXAMPLE_TIMEOUT_MS } as const;
  const { all, failed } = await execa(process.execPath, [path], options);
  return { path, said: all, passed: !failed };
}

function print({ path, said, passed }: Outcome): void {
  console.log(`${basename(path, '.ts')}: ${purposeOf(path)}`);
  console.log(said.replaceAll(/^/gm, '  '));
  console.log(`${passed ? 'passed' : 'failed'}\n`);
}

const engine = startSimulator();
const door = await openEngineDoor(engine.socketPath);
const chorus = await startChorus(['--engine', 'simulated', '--replicas', '2']);
try {
  await Promise.all([engine.ready, replicasReady(chorus, 2, START_TIMEOUT_MS)]);
  const runs = globSync('scripts/examples/*.ts')
    .toSorted()
    .map((path) => {
      const endpoint = path.includes('harmony') ? { SYNTH_GPU_HARMONY_ENDPOINT: door.url } : {};
      return runExample(path, { OPENAI_BASE_URL: `${chorus.url}/v1`, OPENAI_API_KEY: 'EMPTY', ...endpoint });
    });
  const outcomes = await Promise.all(runs);
  outcomes.forEach(print);
  const passed = outcomes.filter((outcome) => outcome.passed).length;
  console.log(`${outcomes.length} examples, ${passed} passed`);
  if (passed < outcomes.length) process.exitCode = 1;
} finally {
  await Promise.all([engine.kill(), chorus.stop()]);
  await door.close();
}
