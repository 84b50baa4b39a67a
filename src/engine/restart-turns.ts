/** What an engine hears that has asked for its turn. */
export interface TurnListener {
  /** It may start now, and is to `release` the turn once that start is decided. */
  readonly given: () => void;
  /** Another one is being restarted; `given` follows. Told again when that changes. */
  readonly taken: (by: string) => void;
}

/**
 * At most one restart at a time while any engine serves, since a start takes processors and disk from those that do;
 * all at once while none does. In the order in which they asked.
 */
export class RestartTurns {
  readonly #isServing: () => boolean;
  readonly #waiting = new Map<string, TurnListener>();
  readonly #restarting = new Set<string>();

  /** `isServing`: whether any engine is in rotation now. */
  constructor(isServing: () => boolean) {
    this.#isServing = isServing;
  }

  /** Asks for a turn until `signal` aborts. The listener may be called before this returns. */
  ask(engineId: string, listener: TurnListener, signal: AbortSignal): void {
    this.#waiting.set(engineId, listener);
    const leave = (): void => void this.#waiting.delete(engineId);
    signal.addEventListener('abort', leave, { once: true });
    this.reconsider();
  }

  /** Gives a turn back; harmless without one. */
  release(engineId: string): void {
    if (this.#restarting.delete(engineId)) this.reconsider();
  }

  /** Looks at who waits again; to be called when an engine has left or entered rotation. */
  reconsider(): void {
    for (const [engineId, listener] of this.#waiting) {
      const [holder] = this.#restarting;
      if (holder !== undefined && this.#isServing()) listener.taken(holder);
      else {
        this.#waiting.delete(engineId);
        this.#restarting.add(engineId);
        listener.given();
      }
    }
  }
}
