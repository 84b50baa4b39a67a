import { ChunkedBody } from './chunked-body.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

/** Hears one response, in the tick in which its bytes come. */
export interface ResponseSink {
  /** Once; provisional responses (1xx) are passed over. */
  onHead(status: number, retryAfterSeconds: number | null): void;
  /** A piece of the body; the bytes are valid only during the call. */
  onBody(bytes: Buffer, start: number, end: number): void;
}

/** As much as Node's own client takes. */
const MAX_HEAD_BYTES = 16 * 1024;
const HEAD_END = '\r\n\r\n';
const HEAD_START = 'HTTP/1.';
const FINAL_STATUS = 200;
const SWITCHING_PROTOCOLS = 101;

/** Reads one HTTP/1.1 response from whatever pieces a connection brings. */
export class ResponseReader {
  readonly #sink: ResponseSink;
  #phase: 'head' | 'chunked' | 'length' | 'until_close' | 'complete' | 'malformed' = 'head';
  #headText = '';
  #head: ResponseHead | null = null;
  #chunked: ChunkedBody | null = null;
  #left = 0;
  #surplus = false;
  #problem = '';
  readonly #take = (bytes: Buffer, start: number, end: number): void => this.#sink.onBody(bytes, start, end);

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** What is wrong with a malformed response, for people. */
  get problem(): string {
    return `the engine’s response cannot be read: ${this.#problem}`;
  }

  /** After a complete response: whether the connection may carry another request. */
  get keepAlive(): boolean {
    return this.#head?.keepAlive === true && !this.#surplus;
  }

  /** Reads the first `length` bytes. What follows the response belongs to nobody, and only spoils the connection. */
  push(bytes: Buffer, length: number): 'more' | 'complete' | 'malformed' {
    let at = 0;
    while (at < length) {
      if (this.#phase === 'head') at = this.#takeHead(bytes, at, length);
      else if (this.#phase === 'complete' || this.#phase === 'malformed') break;
      else at = this.#takeBody(bytes, at, length);
    }
    this.#surplus ||= at < length;
    return this.#phase === 'complete' || this.#phase === 'malformed' ? this.#phase : 'more';
  }

  /** The connection has ended: whether that completes the response. */
  endOfConnection(): boolean {
    return this.#phase === 'until_close';
  }

  #takeBody(bytes: Buffer, start: number, length: number): number {
    if (this.#chunked) {
      const at = this.#chunked.push(bytes, start, length, this.#take);
      if (this.#chunked.complete) this.#phase = 'complete';
      else if (this.#chunked.malformed) this.#fail('a chunk is malformed');
      return at;
    }
    const end = this.#phase === 'length' ? Math.min(length, start + this.#left) : length;
    if (this.#phase === 'length' && (this.#left -= end - start) === 0) this.#phase = 'complete';
    this.#sink.onBody(bytes, start, end);
    return end;
  }

  #takeHead(bytes: Buffer, start: number, length: number): number {
    const before = this.#headText.length;
    const stop = Math.min(length, start + MAX_HEAD_BYTES);
    this.#headText += bytes.toString('latin1', start, stop);
    const end = this.#headText.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length + 1));
    if (!this.#headText.startsWith(HEAD_START.slice(0, this.#headText.length))) this.#fail('it is no HTTP/1.1');
    else if ((end === -1 ? this.#headText.length : end) > MAX_HEAD_BYTES) this.#fail('its head is too long');
    if (end === -1 || this.#phase === 'malformed') return stop;
    const head = parseResponseHead(this.#headText.slice(0, end));
    this.#headText = '';
    if ('problem' in head) this.#fail(head.problem);
    else if (head.status === SWITCHING_PROTOCOLS) this.#fail('it switches protocols');
    else if (head.status >= FINAL_STATUS) this.#begin(head);
    return start + end + HEAD_END.length - before;
  }

  #begin(head: ResponseHead): void {
    const { status, framing, retryAfterSeconds } = head;
    this.#head = head;
    this.#phase = framing.kind;
    if (framing.kind === 'chunked') this.#chunked = new ChunkedBody();
    else if (framing.kind === 'length') {
      this.#left = framing.bytes;
      if (framing.bytes === 0) this.#phase = 'complete';
    }
    this.#sink.onHead(status, retryAfterSeconds);
  }

  #fail(problem: string): void {
    this.#phase = 'malformed';
    this.#problem = problem;
  }
}
