import type { CancelTimer, Clock } from '../domain/clock.ts';

/** Between two rounds. */
const ROUND_INTERVAL_MS = 1000;
/** A control loop that made no round for so long is broken: the process is worth a restart. */
const CONTROL_STALE_MS = 10_000;

export interface ControlLoopOptions {
  readonly clock: Clock;
  /** A look at all that is supervised. A round that throws does not count. */
  readonly round: () => void;
  /** Told of a round that failed where the one before did not. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The regular round of the supervision, once a second between `start` and `stop`, and the proof that there is one:
 * `/livez` and the service manager's watchdog ask for it.
 */
export class ControlLoop {
  readonly #options: ControlLoopOptions;
  #lastRoundMs: number;
  #failing = false;
  #cancel: CancelTimer | null = null;

  constructor(options: ControlLoopOptions) {
    this.#options = options;
    this.#lastRoundMs = options.clock.monotonicMs();
  }

  /** The first round is made at once. */
  start(): void {
    this.#lastRoundMs = this.#options.clock.monotonicMs();
    this.#round();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Since the last good round, or since `start` where there was none. */
  sinceRoundMs(): number {
    return this.#options.clock.monotonicMs() - this.#lastRoundMs;
  }

  isAlive(): boolean {
    return this.sinceRoundMs() <= CONTROL_STALE_MS;
  }

  #round(): void {
    const { clock, round, onFailure } = this.#options;
    this.#cancel = clock.schedule(ROUND_INTERVAL_MS, () => this.#round());
    try {
      round();
      this.#lastRoundMs = clock.monotonicMs();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) onFailure(error);
      this.#failing = true;
    }
  }
}
