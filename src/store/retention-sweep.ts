import type { CancelTimer, Clock } from '../domain/clock.ts';

const SWEEP_INTERVAL_MS = 60_000;
/** A step small enough that nobody waits for it. */
const SWEEP_STEP = 100;

/** Removes at most `limit` of what is too old, and tells how many went. */
type SweepStep = (limit: number) => Promise<number>;

/** Removes what is too old in small steps, once a minute, until it is stopped. */
export class RetentionSweep {
  readonly #steps: readonly SweepStep[];
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  #cancel: CancelTimer = () => {};
  #stopped = false;

  constructor(steps: readonly SweepStep[], clock: Clock, onFailure: (error: unknown) => void) {
    this.#steps = steps;
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
      for (const step of this.#steps) {
        let swept = SWEEP_STEP;
        while (swept === SWEEP_STEP && !this.#stopped) swept = await step(SWEEP_STEP);
      }
    } catch (error) {
      this.#onFailure(error);
    }
    if (!this.#stopped) this.#schedule();
  }
}
