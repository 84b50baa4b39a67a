/** Runs tasks one after another, in the order in which they came; one that fails does not hold up the next. */
export class TurnQueue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `task` when all before it are done. Rejects at once with the signal's reason when that aborts: a task that is
   * still waiting is then never run, one that runs is left to the signal.
   */
  run<T>(task: () => Promise<T>, signal: AbortSignal | null): Promise<T> {
    const turn = this.#last.then(() => {
      signal?.throwIfAborted();
      return task();
    });
    this.#last = turn.catch(() => {});
    return signal === null ? turn : orAbort(turn, signal);
  }
}

function orAbort<T>(turn: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
