import type { ServerResponse } from 'node:http';
import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { Flow } from '../turn/attempt.ts';

/** Proxies and clients give up on a silent connection after 30 to 60 seconds. */
const KEEP_ALIVE_INTERVAL_MS = 10_000;
/** A reader that takes nothing for so long is gone or stuck, and holds a replica's place. */
const SLOW_READER_TIMEOUT_MS = 60_000;

/**
 * A server-sent event stream on one reply. One `write` is one write to the socket; a reader that falls behind closes
 * the valve to the engine until its socket drains, so that at most one socket's buffer is held for it, and one that
 * takes nothing for a minute is cut off. Silence is filled with comments, which every client skips.
 */
export class SseReply {
  readonly #reply: ServerResponse;
  readonly #flow: Flow;
  readonly #clock: Clock;
  #lastWriteMs: number;
  #begun = false;
  #cancelKeepAlive: CancelTimer = () => {};
  /** Set while the socket is full. */
  #cancelCutOff: CancelTimer | null = null;

  constructor(reply: ServerResponse, { flow, clock }: { flow: Flow; clock: Clock }) {
    this.#reply = reply;
    this.#flow = flow;
    this.#clock = clock;
    this.#lastWriteMs = clock.monotonicMs();
    reply.on('close', () => this.#cancelTimers());
  }

  open(headers: Readonly<Record<string, string | number | readonly string[]>>): void {
    this.#reply.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    this.#scheduleKeepAlive();
  }

  readonly write = (frames: string): void => {
    if (this.#reply.destroyed) return;
    this.#lastWriteMs = this.#clock.monotonicMs();
    if (!this.#send(frames)) this.#onFull();
  };

  end(): void {
    this.#cancelKeepAlive();
    this.#reply.end();
  }

  /**
   * The first frames leave with the head. From then on each call is one HTTP chunk (RFC 9112, 7.1), spelled here and
   * written to the socket as one string: `ServerResponse.write` hands four pieces to the kernel, which costs a seventh of
   * a token's whole way through Chorus.
   */
  #send(frames: string): boolean {
    const { socket, chunkedEncoding } = this.#reply;
    // Behind another answer on its connection a reply has no socket yet; HTTP/1.0 has no chunks.
    if (this.#begun && socket !== null && chunkedEncoding) {
      return socket.write(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`);
    }
    this.#begun = true;
    return this.#reply.write(frames);
  }

  #onFull(): void {
    this.#flow.pause();
    if (this.#cancelCutOff !== null) return;
    this.#cancelCutOff = this.#clock.schedule(SLOW_READER_TIMEOUT_MS, () => this.#reply.destroy());
    (this.#reply.socket ?? this.#reply).once('drain', () => this.#onDrain());
  }

  #onDrain(): void {
    this.#cancelCutOff?.();
    this.#cancelCutOff = null;
    this.#flow.resume();
  }

  #cancelTimers(): void {
    this.#cancelKeepAlive();
    this.#cancelCutOff?.();
  }

  #scheduleKeepAlive(): void {
    const silentMs = this.#clock.monotonicMs() - this.#lastWriteMs;
    this.#cancelKeepAlive = this.#clock.schedule(KEEP_ALIVE_INTERVAL_MS - silentMs, () => {
      if (this.#reply.destroyed) return;
      const due = this.#clock.monotonicMs() - this.#lastWriteMs >= KEEP_ALIVE_INTERVAL_MS;
      if (due) this.write(': keep-alive\n\n');
      this.#scheduleKeepAlive();
    });
  }
}
