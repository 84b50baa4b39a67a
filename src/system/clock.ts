import type { Clock } from '../domain/clock.ts';

/** The machine's clock. Everything else receives a `Clock` and never asks the platform itself. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** CLOCK_MONOTONIC in microseconds, by which other programs of the machine measure too. */
export const monotonicUsec = (): bigint => process.hrtime.bigint() / 1000n;
