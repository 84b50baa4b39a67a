import { connect } from 'node:net';
import { systemClock } from '../../src/system/clock.ts';
import type { FuzzRequest } from './make-request.ts';
import { readAnswers, type HttpAnswer } from './read-answers.ts';

/** What came back over one connection. */
export interface Exchange {
  readonly answers: readonly HttpAnswer[];
  /** Bytes after the last whole answer. */
  readonly rest: string;
  /** How it ended: everything was answered, the server closed or reset the connection, or none of it in time. */
  readonly end: 'answered' | 'closed' | 'reset' | 'late';
}

const DEADLINE_MS = 20_000;
/** A request is cut into pieces this small, so that heads and bodies arrive in several reads. */
const PIECE_BYTES = 64 * 1024;

/** Sends a request over a connection of its own and waits for its answers. Never rejects. */
export function exchange(port: number, request: FuzzRequest): Promise<Exchange> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const settle = (end: Exchange['end'], closed: boolean): void => {
      cancelDeadline();
      socket.destroy();
      const { answers, rest } = readAnswers(Buffer.concat(received), request.methods, closed);
      resolve({ answers, rest, end });
    };
    const cancelDeadline = systemClock.schedule(DEADLINE_MS, () => settle('late', false));
    socket.on('data', (bytes: Buffer) => {
      received.push(bytes);
      const { answers } = readAnswers(Buffer.concat(received), request.methods, false);
      if (answers.length >= request.methods.length) settle('answered', false);
    });
    socket.on('error', () => settle('reset', true));
    socket.on('end', () => settle('closed', true));
    socket.on('close', () => settle('closed', true));
    for (let at = 0; at < request.bytes.length; at += PIECE_BYTES)
      socket.write(request.bytes.subarray(at, at + PIECE_BYTES));
    if (request.halfClose) socket.end();
  });
}
