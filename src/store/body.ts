import { packedBytes, unpackIntegers, writePacked } from './packed-integers.ts';
import type { ItemRecord } from './response-store.ts';

/** Three 32-bit lengths in bytes: of the id, of the JSON, and of the token ids plus 1 (0: there are none). */
const HEADER_BYTES = 12;
const SMALLEST_STEP_BYTES = 32;

/** What a body will hold, and its place: known before it is written. */
export interface MeasuredBody {
  readonly record: ItemRecord;
  readonly idBytes: number;
  readonly jsonBytes: number;
  readonly tokenBytes: number;
  /** Of the place; zeros fill up what is left of it. */
  readonly size: number;
}

/**
 * What the file keeps of an item or of a response object takes one of few sizes, so that the place of a deleted one fits
 * another (`bodies.ts`): at most an eighth of it, or 31 bytes, stay unused.
 */
export function measureBody(record: ItemRecord): MeasuredBody {
  const idBytes = Buffer.byteLength(record.id);
  const jsonBytes = Buffer.byteLength(record.json);
  const tokenBytes = record.tokenIds === null ? 0 : packedBytes(record.tokenIds);
  const size = roundUpSize(HEADER_BYTES + idBytes + jsonBytes + tokenBytes);
  return { record, idBytes, jsonBytes, tokenBytes, size };
}

/** The bodies one after another, each in its place, in a buffer of their own. */
export function encodeBodies(bodies: readonly MeasuredBody[]): Uint8Array<ArrayBuffer> {
  const { buffer } = new Uint8Array(bodies.reduce((sum, { size }) => sum + size, 0));
  const bytes = Buffer.from(buffer);
  let start = 0;
  for (const body of bodies) {
    write(body, bytes, start);
    start += body.size;
  }
  return bytes;
}

function write({ record, idBytes, jsonBytes, tokenBytes }: MeasuredBody, bytes: Buffer, start: number): void {
  bytes.writeUInt32LE(idBytes, start);
  bytes.writeUInt32LE(jsonBytes, start + 4);
  bytes.writeUInt32LE(record.tokenIds === null ? 0 : tokenBytes + 1, start + 8);
  bytes.write(record.id, start + HEADER_BYTES);
  bytes.write(record.json, start + HEADER_BYTES + idBytes);
  if (record.tokenIds !== null) writePacked(record.tokenIds, bytes, start + HEADER_BYTES + idBytes + jsonBytes);
}

/** Whether two bodies hold the same id and JSON, whatever their token ids. */
export function holdSameText(one: Uint8Array, other: Uint8Array): boolean {
  const [a, b] = [asBuffer(one), asBuffer(other)];
  const end = layoutAt(a, 0).tokenStart;
  if (a.readUInt32LE(0) !== b.readUInt32LE(0) || layoutAt(b, 0).tokenStart !== end) return false;
  return a.compare(b, HEADER_BYTES, end, HEADER_BYTES, end) === 0;
}

/** The sizes of bodies: eight steps from each power of two to the next, none shorter than 32 bytes. */
export function roundUpSize(bytes: number): number {
  const stepBytes = Math.max(SMALLEST_STEP_BYTES, 2 ** (28 - Math.clz32(bytes)));
  return Math.ceil(bytes / stepBytes) * stepBytes;
}

/** What was measured and encoded as this body. */
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
