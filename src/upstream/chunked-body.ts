/** Takes the bytes of a body as they come; they are valid only during the call. */
export type TakeBytes = (bytes: Buffer, start: number, end: number) => void;

/** Where the next byte stands (RFC 9112, section 7.1). */
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER_LINE = 7;
const LAST_LF = 8;
const COMPLETE = 9;
const MALFORMED = 10;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const SPACE = 32;
const TAB = 9;
/** Of one chunk's size: 2^48 bytes. */
const MAX_SIZE_DIGITS = 12;
/** Of one chunk's extension, and of all trailers: nobody reads them. */
const MAX_IGNORED_BYTES = 16 * 1024;

/** Takes the chunks of one chunked body apart. Extensions and trailers are dropped; lines end in CRLF. */
export class ChunkedBody {
  #state = SIZE;
  #sizeDigits = 0;
  #left = 0;
  #ignoredBytes = 0;

  /** All has come, the trailers included. */
  get complete(): boolean {
    return this.#state === COMPLETE;
  }

  /** It is no chunked body: nothing after this can be read. */
  get malformed(): boolean {
    return this.#state === MALFORMED;
  }

  /** Hands on the data in `bytes` from `start` to `end`, and returns where it stopped: at `end`, or where the body ended. */
  push(bytes: Buffer, start: number, end: number, take: TakeBytes): number {
    let at = start;
    while (at < end && this.#state < COMPLETE) {
      if (this.#state === DATA) {
        const stop = Math.min(end, at + this.#left);
        this.#left -= stop - at;
        if (this.#left === 0) this.#state = DATA_CR;
        take(bytes, at, stop);
        at = stop;
      } else this.#state = this.#after(bytes[at++] ?? 0);
    }
    return at;
  }

  /** The state after a byte that is not data. */
  #after(byte: number): number {
    switch (this.#state) {
      case SIZE:
        return this.#afterSizeByte(byte);
      case EXTENSION:
        if (byte === CR) return SIZE_LF;
        return this.#ignore(byte === LF ? MALFORMED : EXTENSION);
      case SIZE_LF:
        return byte === LF ? this.#afterSizeLine() : MALFORMED;
      case DATA_CR:
        return byte === CR ? DATA_LF : MALFORMED;
      case DATA_LF:
        return byte === LF ? SIZE : MALFORMED;
      case TRAILER_START:
        return byte === CR ? LAST_LF : this.#ignore(TRAILER_LINE);
      case TRAILER_LINE:
        return this.#ignore(byte === LF ? TRAILER_START : TRAILER_LINE);
      default:
        return byte === LF ? COMPLETE : MALFORMED;
    }
  }

  #afterSizeByte(byte: number): number {
    const digit = hexValue(byte);
    if (digit !== -1) {
      this.#left = this.#left * 16 + digit;
      return ++this.#sizeDigits > MAX_SIZE_DIGITS ? MALFORMED : SIZE;
    }
    if (this.#sizeDigits === 0) return MALFORMED;
    if (byte === CR) return SIZE_LF;
    return byte === SEMICOLON || byte === SPACE || byte === TAB ? EXTENSION : MALFORMED;
  }

  #afterSizeLine(): number {
    this.#sizeDigits = 0;
    this.#ignoredBytes = 0;
    return this.#left === 0 ? TRAILER_START : DATA;
  }

  #ignore(next: number): number {
    return ++this.#ignoredBytes > MAX_IGNORED_BYTES ? MALFORMED : next;
  }
}

/** -1 for a byte that is no hexadecimal digit. */
function hexValue(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
