import { BLANK, charClass, DIGIT, LINE_END, LOWER, OTHER, UPPER } from './char-class.ts';

/** The runs that a piece can be in the middle of when the scanner has to stop. */
type Run = 'none' | 'upper' | 'lower' | 'symbols' | 'line-ends' | 'space';

const SPACE_CODE = 0x20;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
/** Longer words take the way that can stop in the middle. */
const MAX_PLAIN_WORD = 32;
const FIRST_BEYOND_ASCII = 0x80;
/** Code units below are whole characters: nearly all of them, and cheaper to look at. */
const FIRST_SURROGATE = 0xd800;

/**
 * Cuts text into the pieces of o200k_base's pattern, which are then merged each by itself:
 *
 *     [^\r\n\p{L}\p{N}]?[UPPER]*[LOWER]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *     [^\r\n\p{L}\p{N}]?[UPPER]+[LOWER]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *     \p{N}{1,3}  |   ?[^\s\p{L}\p{N}]+[\r\n/]*  |  \s*[\r\n]+  |  \s+(?!\S)  |  \s+
 *
 * Reads every character at most three times, where a regular expression backtracks, and can stop in the middle of
 * a run of any length and go on later, which a regular expression cannot.
 */
export class PieceScanner {
  readonly #text: string;
  #run: Run = 'none';
  #start = 0;
  #at = 0;
  /** Ends of the last mark or caseless letter and of the last line end in the run, for where the pattern backtracks. */
  #lastCaseless = -1;
  #lastLineEnd = -1;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#start >= this.#text.length;
  }

  /** The end of the next piece, looking at about `budget` more characters; -1 when that was not enough to know. */
  next(budget: number): number {
    if (this.#run === 'none' && budget > MAX_PLAIN_WORD) {
      const end = plainWordEnd(this.#text, this.#start);
      if (end !== -1) return (this.#start = this.#at = end);
    }
    const stop = Math.min(this.#text.length, this.#at + budget);
    let end = this.#run === 'none' ? this.#begin() : -1;
    while (end === -1) {
      const more = this.#scanRun(stop);
      if (more && stop < this.#text.length) return -1;
      end = this.#endOfRun();
    }
    this.#start = this.#at = end;
    this.#run = 'none';
    return end;
  }

  /** Enters the run that the next piece begins with; returns its end where that is known at once. */
  #begin(): number {
    const first = this.#classAt(this.#start);
    const second = this.#start + this.#widthAt(this.#start);
    const secondClass = this.#classAt(second);
    this.#lastCaseless = -1;
    this.#lastLineEnd = -1;
    this.#at = this.#start;
    if (first === DIGIT) return this.#endOfNumber();
    if ((first & (OTHER | BLANK)) !== 0 && (secondClass & (UPPER | LOWER)) !== 0) {
      this.#at = second;
      this.#run = 'upper';
    } else if ((first & (UPPER | LOWER)) !== 0) {
      this.#run = 'upper';
    } else if (first === OTHER) {
      this.#run = 'symbols';
    } else if (this.#text.charCodeAt(this.#start) === SPACE_CODE && (secondClass & OTHER) !== 0) {
      this.#at = second;
      this.#run = 'symbols';
    } else {
      this.#run = 'space';
    }
    return -1;
  }

  /** Moves to the end of the current run or to `stop`; true when `stop` came first. */
  #scanRun(stop: number): boolean {
    switch (this.#run) {
      case 'upper':
        return this.#scanUpper(stop);
      case 'lower':
        return this.#scanClass(LOWER, stop);
      case 'symbols':
        return this.#scanClass(OTHER, stop);
      case 'line-ends':
        return this.#scanLineEnds(stop);
      case 'space':
      case 'none':
        return this.#scanSpace(stop);
    }
  }

  /** At the end of a run: the end of the piece, or -1 when another run belongs to it. */
  #endOfRun(): number {
    switch (this.#run) {
      case 'upper':
        return this.#endOfUpper();
      case 'lower':
        return this.#endOfContraction(this.#at);
      case 'symbols':
        this.#run = 'line-ends';
        return -1;
      case 'line-ends':
        return this.#at;
      case 'space':
      case 'none':
        return this.#endOfSpace();
    }
  }

  #scanClass(bits: number, stop: number): boolean {
    let at = this.#at;
    while (at < stop && (this.#classAt(at) & bits) !== 0) at += this.#widthAt(at);
    this.#at = at;
    return at >= stop;
  }

  #scanUpper(stop: number): boolean {
    while (this.#at < stop) {
      const bits = this.#classAt(this.#at);
      if ((bits & UPPER) === 0) return false;
      this.#at += this.#widthAt(this.#at);
      if ((bits & LOWER) !== 0) this.#lastCaseless = this.#at;
    }
    return true;
  }

  #scanLineEnds(stop: number): boolean {
    while (this.#at < stop) {
      if (this.#text.charCodeAt(this.#at) !== SLASH && this.#classAt(this.#at) !== LINE_END) return false;
      this.#at++;
    }
    return true;
  }

  #scanSpace(stop: number): boolean {
    while (this.#at < stop) {
      const bits = this.#classAt(this.#at);
      if ((bits & (BLANK | LINE_END)) === 0) return false;
      this.#at++;
      if (bits === LINE_END) this.#lastLineEnd = this.#at;
    }
    return true;
  }

  /**
   * After UPPER*: a small letter goes on with the first alternative. Without one its LOWER+ takes the last caseless
   * character of the run back, or else the second alternative takes the run of capitals. A mark that served as prefix
   * of capitals alone is the first alternative without prefix: it stands by itself.
   */
  #endOfUpper(): number {
    if ((this.#classAt(this.#at) & LOWER) !== 0) {
      this.#run = 'lower';
      return -1;
    }
    if (this.#lastCaseless !== -1) return this.#endOfContraction(this.#lastCaseless);
    const markFirst = (this.#classAt(this.#start) & (LOWER | OTHER)) === (LOWER | OTHER);
    return markFirst ? this.#start + this.#widthAt(this.#start) : this.#endOfContraction(this.#at);
  }

  /** Up to the last line end; else all of it at the end of the text, and before anything else all but the last. */
  #endOfSpace(): number {
    if (this.#lastLineEnd !== -1) return this.#lastLineEnd;
    if (this.#at === this.#text.length || this.#at - this.#start === 1) return this.#at;
    return this.#at - 1;
  }

  #endOfNumber(): number {
    let end = this.#start;
    for (let count = 0; count < 3 && this.#classAt(end) === DIGIT; count++) end += this.#widthAt(end);
    return end;
  }

  #endOfContraction(end: number): number {
    if (this.#text.charCodeAt(end) !== APOSTROPHE) return end;
    const match = CONTRACTION.exec(this.#text.slice(end + 1, end + 3));
    return match === null ? end : end + 1 + match[0].length;
  }

  #classAt(at: number): number {
    const unit = this.#text.charCodeAt(at);
    if (unit < FIRST_SURROGATE) return charClass(unit);
    const codePoint = this.#text.codePointAt(at);
    return codePoint === undefined ? 0 : charClass(codePoint);
  }

  #widthAt(at: number): number {
    if (this.#text.charCodeAt(at) < FIRST_SURROGATE) return 1;
    return (this.#text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
}

/**
 * The end of the piece at `start` when it is a word as most are: a space or nothing, a capital or nothing, small letters
 * of ASCII, and behind them nothing that could belong to it. -1 for any other piece.
 */
function plainWordEnd(text: string, start: number): number {
  let at = start;
  if (text.charCodeAt(at) === SPACE_CODE) at++;
  const capital = text.charCodeAt(at);
  if (capital >= 0x41 && capital <= 0x5a) at++;
  const letters = at;
  let unit = text.charCodeAt(at);
  while (unit >= 0x61 && unit <= 0x7a && at - letters < MAX_PLAIN_WORD) unit = text.charCodeAt(++at);
  const isOpen = unit === APOSTROPHE || unit >= FIRST_BEYOND_ASCII || at - letters === MAX_PLAIN_WORD;
  return at === letters || isOpen ? -1 : at;
}

/** What may follow an apostrophe. The `u` flag folds case as Unicode does, so that `ſ` is an s here, as in Rust. */
const CONTRACTION = /^(?:s|t|re|ve|m|ll|d)/iu;
