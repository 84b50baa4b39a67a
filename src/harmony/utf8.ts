/** The most bytes that one UTF-16 code unit takes in UTF-8; a pair of surrogates takes four for two. */
export const MAX_BYTES_PER_UNIT = 3;

/**
 * Writes the character at `text[index]` as UTF-8 to `bytes[at…]` and returns how many bytes that were; the character
 * is two code units long when they are four. A lone surrogate becomes U+FFFD, as everywhere on the web.
 */
export function writeCharacter(text: string, index: number, bytes: Uint8Array, at: number): number {
  const unit = text.charCodeAt(index);
  if (unit < 0x80) {
    bytes[at] = unit;
    return 1;
  }
  if (unit < 0x800) {
    bytes[at] = 0xc0 | (unit >> 6);
    bytes[at + 1] = 0x80 | (unit & 0x3f);
    return 2;
  }
  let code = text.codePointAt(index) ?? 0;
  if (code > 0xffff) {
    bytes[at] = 0xf0 | (code >> 18);
    bytes[at + 1] = 0x80 | ((code >> 12) & 0x3f);
    bytes[at + 2] = 0x80 | ((code >> 6) & 0x3f);
    bytes[at + 3] = 0x80 | (code & 0x3f);
    return 4;
  }
  if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
  bytes[at] = 0xe0 | (code >> 12);
  bytes[at + 1] = 0x80 | ((code >> 6) & 0x3f);
  bytes[at + 2] = 0x80 | (code & 0x3f);
  return 3;
}
