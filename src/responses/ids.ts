import { randomFillSync } from 'node:crypto';

/** OpenAI's prefixes: a response, a message, a reasoning item, a function call, its output, and the name between the two. */
export type IdPrefix = 'resp' | 'msg' | 'rs' | 'fc' | 'fco' | 'call';

/** Those of the other APIs, which have a dash: a chat completion, a completion, a generation. */
type DashedPrefix = 'chatcmpl' | 'cmpl' | 'gen';

/** 48 bits of Unix milliseconds: enough until the year 10889. */
const TIME_BYTES = 6;
const RANDOM_BYTES = 18;
const REQUEST_BYTES = 16;
/** Drawn from the system at a time: the call costs far more than the bytes. */
const POOL_BYTES = 4096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;
let lastTime = { nowMs: Number.NaN, hex: '' };

/**
 * An id such as `resp_` and 48 hexadecimal digits. The first 12 are the time, so that the store's indexes grow at their
 * end; 18 random bytes behind it make the id unguessable.
 */
export function newId(prefix: IdPrefix, nowMs: number): string {
  return `${prefix}_${timeHex(nowMs)}${randomHex(RANDOM_BYTES)}`;
}

/** The same for what is no part of the Responses API, such as `chatcmpl-` and the digits. */
export function newDashedId(prefix: DashedPrefix, nowMs: number): string {
  return `${prefix}-${timeHex(nowMs)}${randomHex(RANDOM_BYTES)}`;
}

/** The ids of one response have one time, and spelling a number in hexadecimal takes as long as all the rest of an id. */
function timeHex(nowMs: number): string {
  if (nowMs !== lastTime.nowMs) {
    lastTime = { nowMs, hex: nowMs.toString(16).padStart(2 * TIME_BYTES, '0') };
  }
  return lastTime.hex;
}

/** The id of one HTTP request, as the `x-request-id` header and the log carry it. */
export const newRequestId = (): string => `req_${randomHex(REQUEST_BYTES)}`;

/** Each byte of the pool is given out once, and overwritten there. */
function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const start = used;
  used += bytes;
  const hex = pool.toString('hex', start, used);
  pool.fill(0, start, used);
  return hex;
}
