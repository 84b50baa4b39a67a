import { randomBytes } from 'node:crypto';

/** OpenAI's prefixes: a response, a message, a reasoning item, a function call, its output, and the name between the two. */
export type IdPrefix = 'resp' | 'msg' | 'rs' | 'fc' | 'fco' | 'call';

/** An unguessable id such as `resp_` and 48 hexadecimal digits (24 random bytes). */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${randomBytes(24).toString('hex')}`;
}

/** The id of one HTTP request, as the `x-request-id` header and the log carry it. */
export const newRequestId = (): string => `req_${randomBytes(16).toString('hex')}`;
