import { unpackIntegers } from './packed-integers.ts';
import type { ItemRecord } from './response-store.ts';

/** An item on its way to the worker: strings and bytes, which are cheap to hand over. */
export interface PackedItem {
  readonly id: string;
  readonly json: string;
  /** `packIntegers` of the token ids. */
  readonly tokens: Uint8Array | null;
}

/** Three 32-bit lengths in bytes: of the id, of the JSON, and of the token ids plus 1 (0: there are none). */
const HEADER_BYTES = 12;
const SMALLEST_STEP_BYTES = 32;

/**
 * What the file keeps of an item or of a response object. Zeros fill it up to one of few sizes, so that the place of a
 * deleted one fits another (`bodies.ts`): at most an eighth of it, or 31 bytes.
 */
export function encodeBody({ id, json, tokens }: PackedItem): Uint8Array {
  const jsonStart = HEADER_BYTES + Buffer.byteLength(id);
  const tokenStart = jsonStart + Buffer.byteLength(json);
  const body = Buffer.alloc(roundUpSize(tokenStart + (tokens?.length ?? 0)));
  body.writeUInt32LE(jsonStart - HEADER_BYTES, 0);
  body.writeUInt32LE(tokenStart - jsonStart, 4);
  body.writeUInt32LE(tokens === null ? 0 : tokens.length + 1, 8);
  body.write(id, HEADER_BYTES);
  body.write(json, jsonStart);
  if (tokens !== null) body.set(tokens, tokenStart);
  return body;
}

/** The sizes of bodies: eight steps from each power of two to the next, none shorter than 32 bytes. */
export function roundUpSize(bytes: number): number {
  const stepBytes = Math.max(SMALLEST_STEP_BYTES, 2 ** (28 - Math.clz32(bytes)));
  return Math.ceil(bytes / stepBytes) * stepBytes;
}

/** What `encodeBody` was given. */
export function decodeBody(body: Uint8Array): ItemRecord {
  const bytes = asBuffer(body);
  return recordAt(bytes, layoutAt(bytes, 0));
}

/** Bodies one after another, without what fills them up, in a buffer of their own. */
export function joinBodies(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = bodies.map((body) => body.subarray(0, layoutAt(asBuffer(body), 0).end));
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    joined.set(part, start);
    start += part.length;
  }
  return joined;
}

/** The inverse of `joinBodies`. */
export function splitBodies(joined: Uint8Array): ItemRecord[] {
  const bytes = asBuffer(joined);
  const records: ItemRecord[] = [];
  for (let start = 0; start < bytes.length;) {
    const layout = layoutAt(bytes, start);
    records.push(recordAt(bytes, layout));
    start = layout.end;
  }
  return records;
}

interface Layout {
  readonly idStart: number;
  readonly jsonStart: number;
  readonly tokenStart: number;
  readonly end: number;
  readonly hasTokens: boolean;
}

function layoutAt(bytes: Buffer, start: number): Layout {
  const idStart = start + HEADER_BYTES;
  const jsonStart = idStart + bytes.readUInt32LE(start);
  const tokenStart = jsonStart + bytes.readUInt32LE(start + 4);
  const tokenBytesAndOne = bytes.readUInt32LE(start + 8);
  const end = tokenStart + Math.max(0, tokenBytesAndOne - 1);
  return { idStart, jsonStart, tokenStart, end, hasTokens: tokenBytesAndOne > 0 };
}

function recordAt(bytes: Buffer, { idStart, jsonStart, tokenStart, end, hasTokens }: Layout): ItemRecord {
  return {
    id: bytes.toString('utf8', idStart, jsonStart),
    json: bytes.toString('utf8', jsonStart, tokenStart),
    tokenIds: hasTokens ? unpackIntegers(bytes.subarray(tokenStart, end)) : null,
  };
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
