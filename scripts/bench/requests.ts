import type { AnswerKind, ExpectedAnswer } from './check-answer.ts';

/** Where to ask: a loopback port, or a unix socket. */
export type Address = { readonly port: number } | { readonly socketPath: string };

export interface LoadJob {
  readonly address: Address;
  readonly path: string;
  readonly body: string;
  readonly connections: number;
  /** The connections open one after the other over this time. */
  readonly rampMs: number;
  /**
   * After each answer a client waits for a random part of this. Clients whose answers are committed together would
   * otherwise ask together for ever, which people do not.
   */
  readonly maxPauseMs: number;
  readonly answer: AnswerKind;
  readonly expected: ExpectedAnswer;
  /** The body holds this once the first word of the answer is there. */
  readonly firstTextMark: string;
}

/** `start` begins a job, `count` reads and resets the counts, `stop` closes every connection. */
export type LoadRequest =
  { readonly do: 'start'; readonly job: LoadJob } | { readonly do: 'count' } | { readonly do: 'stop' };

export interface LoadReply {
  readonly answers: number;
  readonly failures: number;
  readonly firstFailure: string | null;
  /** Bytes read, heads and framing included. */
  readonly bytes: number;
  /** Answers that have begun to show text and are not complete. */
  readonly open: number;
  /** From the request's last byte to the first word of the answer, of every answer that began since the last count. */
  readonly firstTextMs: readonly number[];
}

/** Stands in a request for its number: texts that were seen before are cheaper, and nobody asks the same all day. */
export const COUNTER = '00000000';

/** The request with its number in place of `COUNTER`; the same bytes where it has none. */
export function numbered(request: Buffer, number: number): Buffer {
  const at = request.indexOf(COUNTER);
  if (at === -1) return request;
  const own = Buffer.from(request);
  own.write(String(number).padStart(COUNTER.length, '0').slice(-COUNTER.length), at, 'latin1');
  return own;
}
