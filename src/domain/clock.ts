/** Time as an input, so that every timed decision can be driven by a test. `system/clock.ts` is the only real one. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds from an arbitrary origin; never goes back. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`, unless the returned function is called first. */
  schedule(delayMs: number, callback: () => void): CancelTimer;
}

/** Cancels a scheduled callback; harmless after it has run. */
export type CancelTimer = () => void;

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects: the caller looks at its signal. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.schedule(delayMs, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
