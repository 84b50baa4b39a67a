/** Whole numbers from 0 to 2^53 - 1, each in as few bytes as it needs (LEB128): a gpt-oss token id takes at most three. */
export function packIntegers(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(packedBytes(values));
  writePacked(values, bytes, 0);
  return bytes;
}

/** How many bytes the values take packed. */
export function packedBytes(values: readonly number[]): number {
  let bytes = 0;
  for (let index = 0; index < values.length; index++) bytes += bytesOf(values[index] ?? 0);
  return bytes;
}

/** Writes the packed values at `start`. Indexed loops here and below: this runs for every token of an answer. */
export function writePacked(values: readonly number[], bytes: Uint8Array, start: number): void {
  let end = start;
  for (let index = 0; index < values.length; index++) {
    let rest = values[index] ?? 0;
    while (rest >= 0x80) {
      bytes[end++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    bytes[end++] = rest;
  }
}

function bytesOf(value: number): number {
  let bytes = 1;
  for (let end = 0x80; value >= end; end *= 0x80) bytes++;
  return bytes;
}

/** The inverse of `packIntegers`. */
export function unpackIntegers(bytes: Uint8Array): number[] {
  const values: number[] = [];
  for (let next = 0; next < bytes.length;) {
    let byte = bytes[next++] ?? 0;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = bytes[next++] ?? 0;
      value += (byte & 0x7f) * scale;
    }
    values.push(value);
  }
  return values;
}

/** Row keys, as differences to the one before: neighbours of one conversation take one byte each. */
export function packKeys(keys: readonly number[]): Uint8Array {
  return packIntegers(keys.map((key, index) => foldSign(key - (keys[index - 1] ?? 0))));
}

/** The inverse of `packKeys`. */
export function unpackKeys(bytes: Uint8Array): number[] {
  let key = 0;
  return unpackIntegers(bytes).map((folded) => (key += unfoldSign(folded)));
}

const foldSign = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);
const unfoldSign = (folded: number): number => (folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2);
