import { BytePairMerge } from './byte-pair-merge.ts';
import { LongPiece } from './long-piece.ts';
import { PieceScanner } from './piece-scanner.ts';
import type { Piece } from './render.ts';
import { MAX_BYTES_PER_UNIT, writeCharacter } from './utf8.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Pieces up to this many code units are merged at once, longer ones window by window. */
const MAX_SHORT_UNITS = 128;

/** Bytes of a long piece merged at once. Fewer are faster, but two of the longest tokens (128 bytes) must fit. */
const WINDOW_BYTES = 256;

/** Work units of one step: about two milliseconds on a slow core. */
const STEP_BUDGET = 50_000;

/** Work units, one being about the time it takes to look at a character. */
const WORK_PER_PIECE = 16;
const WORK_PER_MERGED_BYTE = 16;

/** The bytes of the piece at hand, for every encoding: none of them outlives the call that wrote it. */
const shortBytes = new Uint8Array(MAX_SHORT_UNITS * MAX_BYTES_PER_UNIT);

/**
 * Encoding in progress. `step` works for a few milliseconds at most, whatever the text is like, so that its caller can
 * let others run in between; nothing in it waits for anything.
 */
export class Encoding {
  /** What is encoded so far: all that was given once `step` has returned true. */
  readonly tokenIds: number[] = [];
  readonly #vocabulary: Vocabulary;
  readonly #pieces: Piece[];
  #nextPiece = 0;
  #text = '';
  #textAt = 0;
  #scanner: PieceScanner | null = null;
  #long: LongPiece | null = null;
  #merge: BytePairMerge | null = null;

  constructor(vocabulary: Vocabulary, pieces: readonly Piece[]) {
    this.#vocabulary = vocabulary;
    this.#pieces = [...pieces];
  }

  /** Something more to encode behind what was given. */
  add(piece: Piece): void {
    this.#pieces.push(piece);
  }

  /** Goes on encoding for about `budget` units of work; true when all is done. */
  step(budget: number = STEP_BUDGET): boolean {
    let left = budget;
    while (left > 0) {
      if (this.#long !== null) left -= this.#advanceLong(this.#long);
      else if (this.#scanner !== null) left -= this.#advanceText(this.#scanner, left);
      else if (this.#nextPiece < this.#pieces.length) left -= this.#takePiece();
      else return true;
    }
    return false;
  }

  #takePiece(): number {
    const piece = this.#pieces[this.#nextPiece++] ?? '';
    if (typeof piece === 'string') {
      this.#text = piece;
      this.#textAt = 0;
      this.#scanner = new PieceScanner(piece);
    } else if (typeof piece === 'number') {
      this.tokenIds.push(piece);
    } else {
      for (const id of piece) this.tokenIds.push(id);
      return piece.length + 1;
    }
    return 1;
  }

  #advanceText(scanner: PieceScanner, budget: number): number {
    if (scanner.done) {
      this.#scanner = null;
      return 0;
    }
    const start = this.#textAt;
    const end = scanner.next(budget);
    if (end === -1) return budget;
    this.#textAt = end;
    if (end - start <= MAX_SHORT_UNITS) return this.#encodeShort(start, end);
    this.#long = new LongPiece(this.#vocabulary, this.#text.slice(start, end), WINDOW_BYTES);
    return end - start;
  }

  #encodeShort(start: number, end: number): number {
    const word = this.#vocabulary.findAscii(this.#text, start, end);
    if (word === -1) return this.#encodeBytes(start, end);
    this.tokenIds.push(word);
    return WORK_PER_PIECE + end - start;
  }

  #encodeBytes(start: number, end: number): number {
    let length = 0;
    for (let at = start; at < end;) {
      const written = writeCharacter(this.#text, at, shortBytes, length);
      length += written;
      at += written > MAX_BYTES_PER_UNIT ? 2 : 1;
    }
    const whole = this.#vocabulary.find(shortBytes, 0, length);
    if (whole !== -1) {
      this.tokenIds.push(whole);
      return WORK_PER_PIECE + length;
    }
    const merge = (this.#merge ??= new BytePairMerge(this.#vocabulary));
    merge.run(shortBytes, 0, length);
    for (let index = 0; index < merge.count; index++) this.tokenIds.push(merge.ids[index] ?? 0);
    return WORK_PER_PIECE + length * WORK_PER_MERGED_BYTE;
  }

  #advanceLong(long: LongPiece): number {
    const work = long.windowBytes * WORK_PER_MERGED_BYTE;
    if (long.advance(this.tokenIds)) this.#long = null;
    return work;
  }
}

/**
 * Begins to encode what the renderer gave. Text is encoded as o200k_base does (like tiktoken's `encode_ordinary`, each
 * text piece by itself); lone surrogates are encoded as U+FFFD.
 */
export function startEncoding(vocabulary: Vocabulary, pieces: readonly Piece[]): Encoding {
  return new Encoding(vocabulary, pieces);
}

/** Encodes pieces in one go: for short prompts and programs without other work, see `startEncoding`. */
export function encodeAll(vocabulary: Vocabulary, pieces: readonly Piece[]): number[] {
  const encoding = startEncoding(vocabulary, pieces);
  encoding.step(Infinity);
  return encoding.tokenIds;
}

/** Encodes one text in one go; special-token spellings in it are plain text. */
export function encodeText(vocabulary: Vocabulary, text: string): number[] {
  return encodeAll(vocabulary, [text]);
}
