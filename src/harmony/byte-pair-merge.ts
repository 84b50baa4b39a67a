import type { Vocabulary } from './vocabulary.ts';

const NO_MERGE = 0x7fffffff;

/**
 * Byte-pair merging of one run of bytes: single bytes to begin with, then always the adjacent pair whose join has the
 * lowest rank (the leftmost of equals), until no pair is a token. Scans all pairs for every merge: the fastest way for
 * words, quadratic for long runs, which `LongPiece` therefore hands over in windows. Keeps its arrays between runs.
 */
export class BytePairMerge {
  /** Number of tokens of the last run. */
  count = 0;
  /** The tokens of the last run, `count` of them. */
  ids = new Int32Array(64);
  /** Where each token ends, counted from the run's start. */
  ends = new Int32Array(64);
  /** The token that part i and part i + 1 make together. */
  #joins = new Int32Array(64);
  readonly #vocabulary: Vocabulary;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Merges `bytes[start, end)`; the result stands in the fields until the next call. */
  run(bytes: Uint8Array, start: number, end: number): void {
    this.#begin(bytes, start, end);
    for (;;) {
      const best = this.#lowestJoin();
      if (best === -1) break;
      this.#merge(best);
      const at = (index: number): number => (index < 0 ? start : start + (this.ends[index] ?? 0));
      if (best > 0) this.#joins[best - 1] = this.#find(bytes, at(best - 2), at(best));
      if (best < this.count - 1) this.#joins[best] = this.#find(bytes, at(best - 1), at(best + 1));
    }
    for (let index = 0, from = start; index < this.count; index++) {
      const to = start + (this.ends[index] ?? 0);
      this.ids[index] = this.#vocabulary.find(bytes, from, to);
      from = to;
    }
  }

  /** The leftmost pair whose join has the lowest rank; -1 when no pair is a token. */
  #lowestJoin(): number {
    const joins = this.#joins;
    let best = -1;
    let lowest = NO_MERGE;
    for (let index = 0, last = this.count - 1; index < last; index++) {
      const join = joins[index] ?? NO_MERGE;
      if (join < lowest) {
        lowest = join;
        best = index;
      }
    }
    return best;
  }

  #begin(bytes: Uint8Array, start: number, end: number): void {
    this.count = end - start;
    if (this.count > this.ids.length) {
      this.ids = new Int32Array(this.count * 2);
      this.ends = new Int32Array(this.count * 2);
      this.#joins = new Int32Array(this.count * 2);
    }
    for (let index = 0; index < this.count; index++) {
      this.ends[index] = index + 1;
      this.#joins[index] = index + 1 < this.count ? this.#find(bytes, start + index, start + index + 2) : NO_MERGE;
    }
  }

  /** Joins part `index` with the next one. */
  #merge(index: number): void {
    this.ends[index] = this.ends[index + 1] ?? 0;
    this.count--;
    this.ends.copyWithin(index + 1, index + 2, this.count + 1);
    this.#joins.copyWithin(index + 1, index + 2, this.count + 1);
  }

  #find(bytes: Uint8Array, start: number, end: number): number {
    const id = this.#vocabulary.find(bytes, start, end);
    return id === -1 ? NO_MERGE : id;
  }
}
