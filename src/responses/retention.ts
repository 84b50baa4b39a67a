import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { ResponseStore } from '../store/response-store.ts';

const SWEEP_INTERVAL_MS = 60_000;
/** A step small enough that nobody waits for it. */
const SWEEP_STEP = 100;

/** Removes expired responses in small steps, once a minute, until it is stopped. */
export class RetentionSweep {
  readonly #store: ResponseStore;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  #cancel: CancelTimer = () => {};
  #stopped = false;

  constructor(store: ResponseStore, clock: Clock, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#clock.schedule(SWEEP_INTERVAL_MS, () => void this.#sweep());
  }

  async #sweep(): Promise<void> {
    try {
      let swept = SWEEP_STEP;
      while (swept === SWEEP_STEP && !this.#stopped) swept = await this.#store.sweep(this.#clock.nowMs(), SWEEP_STEP);
    } catch (error) {
      this.#onFailure(error);
    }
    if (!this.#stopped) this.#schedule();
  }
}
