/**
 * `npm run bench -- [--seconds N] [--only NAME]`: what the gateway costs on this machine, each figure beside nginx
 * proxying the same engine. The engine and the clients are programs of this project; their own share is printed too.
 */
import { parseArgs } from 'node:util';
import { PARTS } from './bench/parts.ts';
import { pinned } from './bench/program.ts';
import { Rig } from './bench/rig.ts';

const MAX_SECONDS = 10;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '4' }, only: { type: 'string' } } });
  const seconds = Number(values.seconds);
  if (!(seconds >= 1 && seconds <= MAX_SECONDS)) throw new Error(`--seconds: give 1 to ${MAX_SECONDS}.`);
  const parts = PARTS.filter(({ name }) => values.only === undefined || name === values.only);
  if (parts.length === 0) throw new Error(`--only: give one of ${PARTS.map(({ name }) => name).join(', ')}.`);
  if (process.platform !== 'linux') throw new Error('The benchmark reads /proc, which only Linux has.');
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort(new Error(signal)));
  const rig = await Rig.start(stopping.signal);
  try {
    console.log(introduction(rig.nginxFile));
    for (const part of parts) {
      console.log(`\n${part.title}`);
      console.log(await part.run(rig, seconds * 1000));
    }
  } finally {
    await rig.stop();
  }
  for (const problem of rig.problems) console.error(problem);
  if (rig.problems.length > 0) process.exitCode = 1;
}

function introduction(nginxFile: string | null): string {
  return [
    `nginx: ${nginxFile ?? 'not installed'}`,
    pinned
      ? 'The measured process has core 1, engine and clients share core 0.'
      : 'Fewer than two cores: nothing is pinned, compare with care.',
    'direct is the clients and the engine with nothing between. nginx passes the token stream on as it is; Chorus makes',
    'Responses events of it, and a JSON answer of a stream, and stores every response. Percentages are of one core;',
    'others is the rest of the machine: a window in which it took much says little.',
  ].join('\n');
}

try {
  await main();
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
