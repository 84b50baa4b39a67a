import { BytePairMerge } from './byte-pair-merge.ts';
import { MAX_BYTES_PER_UNIT, writeCharacter } from './utf8.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Merges one long piece window by window, in time that grows with its length, and yields the same tokens as merging
 * it as a whole. Why that is so: let the window from position 0 end up as tokens t1 … tm, let b be the end of tj, and
 * let the rest of the piece from b on, merged by itself, begin with t(j+1) too. Then no merge of the whole piece crosses
 * b: the first to do so would join a suffix of what stands left of b, which has evolved as in the window, with a prefix
 * of t(j+1), which has evolved as in the window, and so the window would have made it as well. So t1 … tj stand; and by
 * the same argument, from the last window back to the first, so does every token that a next window confirms.
 * Where it begins with another token, the end of a window has reached back to b: all is done again with larger ones.
 */
export class LongPiece {
  readonly #text: string;
  #windowBytes: number;
  /** The next code unit to write to `#bytes`. */
  #at = 0;
  /** UTF-8 of the piece from the first undecided byte on; two windows, which overlap. */
  #bytes = new Uint8Array(0);
  #length = 0;
  /** Tokens handed out since the beginning of the piece. */
  #tokenCount = 0;
  #current: BytePairMerge;
  #next: BytePairMerge;

  /** Begins to merge `text`, in windows of `windowBytes` where that suffices. */
  constructor(vocabulary: Vocabulary, text: string, windowBytes: number) {
    this.#text = text;
    this.#windowBytes = windowBytes;
    this.#current = new BytePairMerge(vocabulary);
    this.#next = new BytePairMerge(vocabulary);
    this.#begin();
  }

  /**
   * Merges one window and appends its tokens; true when that was the last. Until then it may take back what it has
   * appended, so nothing else may be appended to `tokenIds` in between.
   */
  advance(tokenIds: number[]): boolean {
    if (this.#length <= this.#windowBytes) {
      this.#append(tokenIds, this.#current.count);
      return true;
    }
    const kept = this.#settledCount();
    const boundary = this.#current.ends[kept - 1] ?? 0;
    this.#next.run(this.#bytes, boundary, Math.min(boundary + this.#windowBytes, this.#length));
    if (kept === 0 || this.#next.ids[0] !== this.#current.ids[kept]) {
      tokenIds.length -= this.#tokenCount;
      this.#windowBytes *= 2;
      this.#begin();
      return false;
    }
    this.#append(tokenIds, kept);
    this.#bytes.copyWithin(0, boundary, this.#length);
    this.#length -= boundary;
    this.#fill();
    [this.#current, this.#next] = [this.#next, this.#current];
    return false;
  }

  /** Bytes that the next `advance` merges. */
  get windowBytes(): number {
    return Math.min(this.#windowBytes, this.#length);
  }

  #begin(): void {
    this.#bytes = new Uint8Array(2 * this.#windowBytes + MAX_BYTES_PER_UNIT);
    this.#at = 0;
    this.#length = 0;
    this.#tokenCount = 0;
    this.#fill();
    this.#current.run(this.#bytes, 0, this.windowBytes);
  }

  /** Tokens of the current window that end in its first half. */
  #settledCount(): number {
    const { ends, count } = this.#current;
    let kept = 0;
    while (kept < count - 1 && (ends[kept] ?? 0) <= this.#windowBytes / 2) kept++;
    return kept;
  }

  #append(tokenIds: number[], count: number): void {
    for (let index = 0; index < count; index++) tokenIds.push(this.#current.ids[index] ?? 0);
    this.#tokenCount += count;
  }

  #fill(): void {
    while (this.#at < this.#text.length && this.#length < 2 * this.#windowBytes) {
      const written = writeCharacter(this.#text, this.#at, this.#bytes, this.#length);
      this.#length += written;
      this.#at += written > MAX_BYTES_PER_UNIT ? 2 : 1;
    }
  }
}
