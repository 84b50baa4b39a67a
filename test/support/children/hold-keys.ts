/** Opens the keys of a state directory and waits to be killed. */
import { KeyRing } from '../../../src/access/key-ring.ts';
import { systemClock } from '../../../src/system/clock.ts';

const [stateDir = ''] = process.argv.slice(2);
const keys = new KeyRing({ stateDir, clock: systemClock });
console.log(`holds ${keys.listing.keys.length}`);
process.stdin.resume();
