import type { ServeOptions } from '../config/options.ts';
import { Pool, type PoolOptions } from '../pool/pool.ts';

/** The pool of all engines; `inUse` gives the settings that hold at a moment. */
export function buildPool(inUse: () => ServeOptions, parts: Omit<PoolOptions, 'loadingWaitMs'>): Pool {
  return new Pool({
    ...parts,
    get loadingWaitMs() {
      return inUse().loadingWaitMs;
    },
  });
}
