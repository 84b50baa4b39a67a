import type { CancelTimer, Clock } from '../../src/domain/clock.ts';

const TICK_MS = 1;

/** Something that wants to be called once every interval, at its own phase. */
export interface Paced {
  /** Returns whether anything went out. */
  advance(nowMs: number): boolean;
}

/**
 * Calls each member once every `intervalMs`. A timer tick is a millisecond; what its members send
 * goes out in a turn of the event loop each, with a `rest` between: the streams of different requests are not in step,
 * and a reader that finds many at once has it easier than the one that is woken for each.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #rest: () => void;
  readonly #slots: Set<Paced>[];
  #size = 0;
  #lastTickMs = 0;
  #cancel: CancelTimer = () => {};
  readonly #due: Paced[] = [];

  constructor(clock: Clock, intervalMs: number, rest: () => void) {
    this.#clock = clock;
    this.#rest = rest;
    this.#slots = Array.from({ length: Math.max(1, intervalMs) }, () => new Set<Paced>());
  }

  /** From now on, first one interval from now; the returned function ends it. */
  add(member: Paced): () => void {
    const nowMs = Math.floor(this.#clock.monotonicMs());
    const slot = this.#slotAt(nowMs);
    slot.add(member);
    if (this.#size++ === 0) this.#start(nowMs);
    return () => {
      if (!slot.delete(member)) return;
      if (--this.#size === 0) this.#cancel();
    };
  }

  #start(nowMs: number): void {
    this.#lastTickMs = nowMs;
    this.#cancel = this.#clock.schedule(TICK_MS, () => this.#tick());
  }

  /** Late ticks make up for what they missed, each slot once. */
  #tick(): void {
    const nowMs = Math.floor(this.#clock.monotonicMs());
    const from = Math.max(this.#lastTickMs + 1, nowMs - this.#slots.length + 1);
    this.#lastTickMs = nowMs;
    this.#cancel = this.#clock.schedule(TICK_MS, () => this.#tick());
    const idle = this.#due.length === 0;
    for (let atMs = from; atMs <= nowMs; atMs++) this.#due.push(...this.#slotAt(atMs));
    if (idle) this.#callNext();
  }

  #callNext(): void {
    const nowMs = this.#clock.monotonicMs();
    const isSent = (): boolean => this.#due.shift()?.advance(nowMs) ?? false;
    while (this.#due.length > 0 && !isSent());
    if (this.#due.length === 0) return;
    this.#rest();
    setImmediate(() => this.#callNext());
  }

  #slotAt(atMs: number): Set<Paced> {
    const slot = this.#slots[atMs % this.#slots.length];
    if (slot === undefined) throw new Error('A pacer has a slot for every millisecond.');
    return slot;
  }
}
