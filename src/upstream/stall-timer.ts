import type { CancelTimer, Clock } from '../domain/clock.ts';

/**
 * Calls `onStall` once when `touch` was not called for `timeoutMs` of running time; stopped time does not count. A
 * touch costs a clock reading, not a new timer: the one timer looks back when it fires.
 */
export class StallTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onStall: () => void;
  #lastTouchMs = 0;
  #cancel: CancelTimer | null = null;

  constructor(clock: Clock, timeoutMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onStall = onStall;
  }

  /** Begins to count from now; harmless while running. */
  start(): void {
    this.touch();
    if (this.#cancel === null) this.#arm(this.#timeoutMs);
  }

  touch(): void {
    this.#lastTouchMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.schedule(delayMs, () => {
      const leftMs = this.#lastTouchMs + this.#timeoutMs - this.#clock.monotonicMs();
      if (leftMs > 0) return this.#arm(leftMs);
      this.#cancel = null;
      this.#onStall();
    });
  }
}
