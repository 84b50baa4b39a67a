/**
 * `npm run chaos -- --minutes 10 --seed 1`: kills and freezes engines and their children, fills the disk, lets clients
 * leave, and kills Chorus itself, at random and under load, on the simulator. Prints what was promised and what happened.
 */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos/run-chaos.ts';
import { runWithOwnMounts } from './chaos/small-disk.ts';

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new Error(`--${name}: '${value}' is not a number above zero.`);
  return number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      replicas: { type: 'string', default: '3' },
    },
  });
  const options = {
    minutes: positive('minutes', values.minutes),
    seed: positive('seed', values.seed),
    replicas: positive('replicas', values.replicas),
    print: console.log,
  };
  const verdicts = await runChaos(options);
  for (const { promise, happened, kept } of verdicts)
    console.log(`${kept ? 'kept  ' : 'BROKEN'}  ${promise}: ${happened}`);
  return verdicts.every(({ kept }) => kept) ? 0 : 1;
}

process.exitCode = runWithOwnMounts() ?? (await main());
