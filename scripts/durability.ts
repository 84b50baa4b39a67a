/** `npm run durability -- --seeds 10`: kills Chorus under load, once a seed, and counts what a client saw and what is left. */
import { parseArgs } from 'node:util';
import { killUnderLoad } from '../test/support/durability.ts';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '10' } } });
let announced = 0;
let found = 0;
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const result = await killUnderLoad(seed, 50);
  console.log(`seed ${seed}: ${result.found} of ${result.announced} announced responses found after SIGKILL`);
  announced += result.announced;
  found += result.found;
}
console.log(`${found} of ${announced} over ${values.seeds} seeds`);
if (found !== announced) process.exitCode = 1;
