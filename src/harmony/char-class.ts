/**
 * What o200k_base's pattern asks about a character, as bits. Marks are in both letter runs and in OTHER, as in the
 * pattern's own classes. Unicode is Node's, which may be newer than the harmony library's (16): then the characters
 * that 16 did not have are cut into other tokens, of the same bytes.
 */
export const UPPER = 1; // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
export const LOWER = 2; // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
export const DIGIT = 4; // \p{N}
export const BLANK = 8; // \s without line ends
export const LINE_END = 16; // [\r\n]
export const OTHER = 32; // [^\s\p{L}\p{N}]

/** Unicode's White_Space, which JavaScript's `\s` is not: that has U+FEFF and lacks U+0085. */
const WHITE_SPACE = /\p{White_Space}/u;
const LETTER = /\p{L}/u;
const MARK = /\p{M}/u;
const CAPITAL = /[\p{Lu}\p{Lt}]/u;
const SMALL = /\p{Ll}/u;
const NUMBER = /\p{N}/u;

/** The answers so far, per code point; 0 is "not asked yet". Asking Unicode for all at start-up would take too long. */
const known = new Uint8Array(0x110000);

/** The class bits of a code point; a lone surrogate counts like U+FFFD, which it is encoded as. */
export function charClass(codePoint: number): number {
  const bits = known[codePoint] ?? 0;
  return bits === 0 ? (known[codePoint] = classify(codePoint)) : bits;
}

function classify(codePoint: number): number {
  if (codePoint === 10 || codePoint === 13) return LINE_END;
  const character = String.fromCodePoint(codePoint);
  if (WHITE_SPACE.test(character)) return BLANK;
  if (NUMBER.test(character)) return DIGIT;
  if (CAPITAL.test(character)) return UPPER;
  if (SMALL.test(character)) return LOWER;
  if (MARK.test(character)) return UPPER | LOWER | OTHER;
  return LETTER.test(character) ? UPPER | LOWER : OTHER;
}
