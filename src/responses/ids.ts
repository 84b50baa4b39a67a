import { randomFillSync } from 'node:crypto';

/** OpenAI's prefixes: a response, a message, a reasoning item, a function call, its output, and the name between the two. */
export type IdPrefix = 'resp' | 'msg' | 'rs' | 'fc' | 'fco' | 'call';

/** 48 bits of Unix milliseconds: enough until the year 10889. */
const TIME_BYTES = 6;
const RANDOM_BYTES = 18;
const REQUEST_BYTES = 16;
/** Drawn from the system at a time: the call costs far more than the bytes. */
const POOL_BYTES = 4096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/**
 * An id such as `resp_` and 48 hexadecimal digits. The first 12 are the time, so that the store's indexes grow at their
 * end; 18 random bytes behind it make the id unguessable.
 */
export function newId(prefix: IdPrefix, nowMs: number): string {
  return `${prefix}_${nowMs.toString(16).padStart(2 * TIME_BYTES, '0')}${randomHex(RANDOM_BYTES)}`;
}

/** The id of one HTTP request, as the `x-request-id` header and the log carry it. */
export const newRequestId = (): string => `req_${randomHex(REQUEST_BYTES)}`;

/** Each byte of the pool is given out once, and overwritten there. */
function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const drawn = pool.subarray(used, used + bytes);
  used += bytes;
  const hex = drawn.toString('hex');
  drawn.fill(0);
  return hex;
}
