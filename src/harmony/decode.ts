import type { Vocabulary } from './vocabulary.ts';

/** From so many on, bytes are faster than the texts of tokens. */
const MANY_TOKENS = 16;
const NOTHING = new Uint8Array(0);

/** Invalid bytes become U+FFFD; a byte order mark is a character like any other. Stateless in this use. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of the last character in `bytes` when more of it may follow, else 0. */
function incompleteTail(bytes: Uint8Array): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return byte < 0xf8 && length < needed ? length : 0;
    }
  }
  return 0;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** Turns one stream of text tokens into text; every stream has its own. */
export class Decoder {
  readonly #vocabulary: Vocabulary;
  /** The beginning of a character whose rest has not come yet: at most 3 bytes. */
  #carry: Uint8Array = NOTHING;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /**
   * The text that `tokenIds[start, end)` completes: only whole characters, the same text for any way of cutting the ids into
   * pushes. Bytes that are no UTF-8 become U+FFFD. Control and reserved ids have no text.
   */
  push(tokenIds: readonly number[], start = 0, end: number = tokenIds.length): string {
    if (end - start >= MANY_TOKENS) return this.#pushMany(tokenIds, start, end);
    let text = '';
    for (let index = start; index < end; index++) {
      const id = tokenIds[index] ?? -1;
      const whole = this.#carry.length === 0 ? this.#vocabulary.wholeText(id) : null;
      text += whole ?? this.#pushBytes(this.#vocabulary.tokenBytes(id));
    }
    return text;
  }

  /**
   * Ends the text: an incomplete character, such as the token limit leaves, is dropped, and nothing of it reaches the
   * next text. (So does openai-harmony in its deltas; its whole messages have U+FFFD there.)
   */
  reset(): void {
    this.#carry = NOTHING;
  }

  /** All bytes at once: a text of pieces would be put together from an object for each. */
  #pushMany(tokenIds: readonly number[], start: number, end: number): string {
    let length = 0;
    for (let index = start; index < end; index++) length += this.#vocabulary.tokenLength(tokenIds[index] ?? -1);
    const bytes = new Uint8Array(length);
    let at = 0;
    for (let index = start; index < end; index++) at += this.#vocabulary.copyToken(tokenIds[index] ?? -1, bytes, at);
    return this.#pushBytes(bytes);
  }

  #pushBytes(added: Uint8Array): string {
    const bytes = this.#carry.length === 0 ? added : joined(this.#carry, added);
    const complete = bytes.length - incompleteTail(bytes);
    this.#carry = bytes.subarray(complete);
    return utf8.decode(bytes.subarray(0, complete));
  }
}

/** A decoder at the beginning of a text. */
export function createDecoder(vocabulary: Vocabulary): Decoder {
  return new Decoder(vocabulary);
}
