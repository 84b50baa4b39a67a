import { openStore, SettableClock } from '../support/store-bench.ts';
import { describeResponseStore } from './contract.ts';

describeResponseStore(async () => {
  const clock = new SettableClock();
  return { store: await openStore({ clock, limits: { groupDelayMs: 1 } }), clock };
});
