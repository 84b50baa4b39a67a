const TABLE_SIZE = 1 << 19;
const HASH_START = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;
const FIRST_BEYOND_ASCII = 0x80;
const NEWLINE = 10;
const SPACE = 32;
const PADDING = 61;

/** The longest token of o200k_base: a run of 128 spaces. Nothing longer needs to be looked up. */
const MAX_TOKEN_BYTES = 128;

/**
 * The text tokens of o200k_base: ids are ranks, 0 to `size - 1`. Immutable and shared by everything that encodes or
 * decodes. About 5 MB of typed arrays, because 200,000 strings in a map cost ten times that.
 */
export class Vocabulary {
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  /** Open addressing by hash of the bytes; holds id + 1, so that 0 is an empty slot. */
  readonly #table = new Int32Array(TABLE_SIZE);
  /** Texts asked for so far: what streams say is mostly the same few thousand tokens. */
  readonly #texts: (string | null | undefined)[];

  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.size = offsets.length - 1;
    this.#texts = Array.from({ length: this.size }, () => undefined);
    for (let id = 0; id < this.size; id++) this.#insert(id);
  }

  /** The bytes of a text token, not to be written to; empty for an id that is none (control and reserved ids). */
  tokenBytes(id: number): Uint8Array {
    if (id < 0 || id >= this.size) return this.#bytes.subarray(0, 0);
    return this.#bytes.subarray(this.#offsets[id], this.#offsets[id + 1]);
  }

  /** How many bytes a text token has; 0 for an id that is none. */
  tokenLength(id: number): number {
    return id < 0 || id >= this.size ? 0 : (this.#offsets[id + 1] ?? 0) - (this.#offsets[id] ?? 0);
  }

  /** Writes the bytes of a text token at `target[at…]` and returns how many they are. */
  copyToken(id: number, target: Uint8Array, at: number): number {
    const length = this.tokenLength(id);
    const from = this.#offsets[id] ?? 0;
    for (let index = 0; index < length; index++) target[at + index] = this.#bytes[from + index] ?? 0;
    return length;
  }

  /** The text of a token that is whole characters; null for one that is not text by itself, and for no text token. */
  wholeText(id: number): string | null {
    const known = this.#texts[id];
    if (known !== undefined) return known;
    if (id < 0 || id >= this.size) return null;
    const text = decodeStrictly(this.tokenBytes(id));
    this.#texts[id] = text;
    return text;
  }

  /** The token whose bytes are exactly `bytes[start, end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > MAX_TOKEN_BYTES) return -1;
    for (let slot = hash(bytes, start, end); ; slot = (slot + 1) % TABLE_SIZE) {
      const id = (this.#table[slot] ?? 0) - 1;
      if (id < 0 || this.#equals(id, bytes, start, end)) return id;
    }
  }

  /** The same for the bytes of `text[start, end)`, where all of it is ASCII; -1 for any other text. */
  findAscii(text: string, start: number, end: number): number {
    let value = HASH_START;
    for (let index = start; index < end; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= FIRST_BEYOND_ASCII) return -1;
      value = Math.imul(value ^ unit, HASH_FACTOR);
    }
    for (let slot = toSlot(value); ; slot = (slot + 1) % TABLE_SIZE) {
      const id = (this.#table[slot] ?? 0) - 1;
      if (id < 0 || this.#equalsAscii(id, text, start, end)) return id;
    }
  }

  #insert(id: number): void {
    let slot = hash(this.#bytes, this.#offsets[id] ?? 0, this.#offsets[id + 1] ?? 0);
    while (this.#table[slot] !== 0) slot = (slot + 1) % TABLE_SIZE;
    this.#table[slot] = id + 1;
  }

  #equalsAscii(id: number, text: string, start: number, end: number): boolean {
    const from = this.#offsets[id] ?? 0;
    if ((this.#offsets[id + 1] ?? 0) - from !== end - start) return false;
    for (let index = start; index < end; index++) {
      if (text.charCodeAt(index) !== this.#bytes[from + index - start]) return false;
    }
    return true;
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#offsets[id] ?? 0;
    if ((this.#offsets[id + 1] ?? 0) - from !== end - start) return false;
    for (let index = start; index < end; index++) {
      if (bytes[index] !== this.#bytes[from + index - start]) return false;
    }
    return true;
  }
}

/** FNV-1a, folded to a slot of the table. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = HASH_START;
  for (let index = start; index < end; index++) value = Math.imul(value ^ (bytes[index] ?? 0), HASH_FACTOR);
  return toSlot(value);
}

const toSlot = (value: number): number => (value ^ (value >>> 15)) & (TABLE_SIZE - 1);

/**
 * Reads a `.tiktoken` file: a line per token, its bytes in base64, a space, its rank; ranks count up from 0. Throws a
 * plain `Error` that names the line when the file is not that: then the installation is damaged.
 */
export function createVocabulary(fileBytes: Uint8Array): Vocabulary {
  const bytes = new Uint8Array(fileBytes.length);
  const offsets = [0];
  let length = 0;
  for (let at = 0; at < fileBytes.length;) {
    const space = fileBytes.indexOf(SPACE, at);
    const lineEnd = fileBytes.indexOf(NEWLINE, at);
    const end = lineEnd === -1 ? fileBytes.length : lineEnd;
    const rank = offsets.length - 1;
    if (space <= at || space > end || readDigits(fileBytes, space + 1, end) !== rank) {
      throw new Error(`The vocabulary is damaged: line ${rank + 1} is not a token in base64 and the rank ${rank}.`);
    }
    length = decodeBase64(fileBytes.subarray(at, space), bytes, length);
    offsets.push(length);
    at = end + 1;
  }
  return new Vocabulary(bytes.slice(0, length), Uint32Array.from(offsets));
}

function readDigits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 10 + ((bytes[index] ?? 0) - 48);
  return value;
}

/** Appends the decoded bytes to `target` at `length` and returns the new length. */
function decodeBase64(source: Uint8Array, target: Uint8Array, length: number): number {
  let bits = 0;
  let bitCount = 0;
  for (const code of source) {
    if (code === PADDING) break;
    bits = (bits << 6) | (SEXTETS[code] ?? 0);
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      target[length++] = bits >> bitCount;
      bits &= (1 << bitCount) - 1;
    }
  }
  return length;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that the bytes spell, or null when they are not whole characters. */
function decodeStrictly(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

const BASE64_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const SEXTETS = new Uint8Array(256);
for (let value = 0; value < 64; value++) SEXTETS[BASE64_ALPHABET.charCodeAt(value)] = value;
