import { BytePairMerge } from './byte-pair-merge.ts';
import { MAX_BYTES_PER_UNIT, writeCharacter } from './utf8.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Merges one long piece window by window, in time that grows with its length, and yields the same tokens as merging
 * it as a whole. Why that is so: let the window W from position 0 end up as tokens t1 … tm, let b be the end of tj, and
 * let the rest of the piece from b on, merged by itself, begin with t(j+1) too. Then no merge of the whole piece crosses
 * b: the first to do so would join a suffix of what stands left of b, which has evolved as in W, with a prefix of
 * t(j+1), which has evolved as in W, and so W would have made it as well. So t1 … tj stand. When the rest begins with
 * another token, the end of the window has reached back to b, and a larger window is tried.
 */
export class LongPiece {
  readonly #text: string;
  /** The next code unit to write to `#bytes`. */
  #at = 0;
  #windowBytes: number;
  /** UTF-8 of the piece from the first undecided byte on; two windows, which overlap. */
  #bytes = new Uint8Array(0);
  #length = 0;
  #current: BytePairMerge;
  #next: BytePairMerge;

  /** Begins to merge `text`, in windows of `windowBytes` where that suffices. */
  constructor(vocabulary: Vocabulary, text: string, windowBytes: number) {
    this.#text = text;
    this.#windowBytes = windowBytes;
    this.#current = new BytePairMerge(vocabulary);
    this.#next = new BytePairMerge(vocabulary);
    this.#openWindow();
  }

  /** Merges one window and appends what is decided; true when that was all of it. */
  advance(tokenIds: number[]): boolean {
    const current = this.#current;
    if (this.#length <= this.#windowBytes) {
      for (let index = 0; index < current.count; index++) tokenIds.push(current.ids[index] ?? 0);
      return true;
    }
    const kept = this.#settledCount();
    const boundary = current.ends[kept - 1] ?? 0;
    this.#next.run(this.#bytes, boundary, Math.min(boundary + this.#windowBytes, this.#length));
    if (kept === 0 || this.#next.ids[0] !== current.ids[kept]) {
      this.#windowBytes *= 2;
      this.#openWindow();
      return false;
    }
    for (let index = 0; index < kept; index++) tokenIds.push(current.ids[index] ?? 0);
    this.#bytes.copyWithin(0, boundary, this.#length);
    this.#length -= boundary;
    this.#fill();
    [this.#current, this.#next] = [this.#next, current];
    return false;
  }

  /** Bytes that the next `advance` merges. */
  get windowBytes(): number {
    return Math.min(this.#windowBytes, this.#length);
  }

  /** Tokens of the current window that end in its first half. */
  #settledCount(): number {
    const { ends, count } = this.#current;
    let kept = 0;
    while (kept < count - 1 && (ends[kept] ?? 0) <= this.#windowBytes / 2) kept++;
    return kept;
  }

  #openWindow(): void {
    const bytes = new Uint8Array(2 * this.#windowBytes + 4);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#fill();
    this.#current.run(this.#bytes, 0, this.windowBytes);
  }

  #fill(): void {
    while (this.#at < this.#text.length && this.#length < 2 * this.#windowBytes) {
      const written = writeCharacter(this.#text, this.#at, this.#bytes, this.#length);
      this.#length += written;
      this.#at += written > MAX_BYTES_PER_UNIT ? 2 : 1;
    }
  }
}
