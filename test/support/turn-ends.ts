import { TurnEnds, type TurnListener } from '../../src/ledger/turn-ends.ts';
import type { UsageLedger } from '../../src/store/usage-ledger.ts';
import { NOW_MS, SettableClock } from './store-bench.ts';

/** Tells `listeners` of turns that end at `NOW_MS`, and records them where there is a ledger. A lost row is an error. */
export const turnEndsOf = (listeners: readonly TurnListener[], ledger: UsageLedger | null = null): TurnEnds =>
  new TurnEnds({
    clock: new SettableClock(),
    listeners,
    ledger,
    isSimulated: () => true,
    onRowLost: (error) => {
      throw new Error(`a row of ${NOW_MS} was lost`, { cause: error });
    },
  });
