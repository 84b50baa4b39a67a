import type { Clock } from '../domain/clock.ts';

/** The rate is of this long back: steady enough to read, quick enough to show that a network got slower. */
const WINDOW_MS = 20_000;
/** Before this a rate is a guess. */
const SETTLED_MS = 1000;

/** Measures how fast bytes arrive. What was here before the first report does not count as arrived. */
export class TransferMeter {
  readonly #clock: Clock;
  #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the number of bytes that are here now. Fewer than before starts the measurement anew. */
  add(bytes: number): void {
    const atMs = this.#clock.monotonicMs();
    const last = this.#samples.at(-1);
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    this.#samples = [...this.#samples.filter((sample) => sample.atMs >= atMs - WINDOW_MS), { atMs, bytes }];
  }

  /** Bytes a second over the last 20 s, or null before a second has passed. */
  get bytesPerSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.atMs - first.atMs < SETTLED_MS) return null;
    return (last.bytes - first.bytes) / ((last.atMs - first.atMs) / 1000);
  }
}
