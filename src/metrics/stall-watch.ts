import type { CancelTimer, Clock } from '../domain/clock.ts';

/** Twenty turns of an idle event loop a second cost nothing that could be measured. */
const LOOK_INTERVAL_MS = 50;
/** So long a pause is felt by every client. */
const STALL_MS = 200;

/**
 * Notices when the event loop stood still, because something kept this thread or the machine from running. Told are
 * pauses of 200 ms and longer, with a length that is right within half of the interval between two looks (25 ms).
 */
export class StallWatch {
  readonly #clock: Clock;
  readonly #onStall: (durationMs: number) => void;
  #lookedMs = 0;
  #cancel: CancelTimer = () => {};

  constructor(clock: Clock, onStall: (durationMs: number) => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  start(): void {
    this.#lookedMs = this.#clock.monotonicMs();
    this.#cancel = this.#clock.schedule(LOOK_INTERVAL_MS, () => this.#look());
  }

  stop(): void {
    this.#cancel();
  }

  /** The pause began somewhere between the last look and the time at which this one was due. */
  #look(): void {
    const sinceLookMs = this.#clock.monotonicMs() - this.#lookedMs;
    const pauseMs = sinceLookMs - LOOK_INTERVAL_MS / 2;
    this.start();
    if (pauseMs >= STALL_MS) this.#onStall(pauseMs);
  }
}
