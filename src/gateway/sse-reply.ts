import type { ServerResponse } from 'node:http';
import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { Flow } from '../turn/attempt.ts';

/** Proxies and clients give up on a silent connection after 30 to 60 seconds. */
const KEEP_ALIVE_INTERVAL_MS = 10_000;

/**
 * A server-sent event stream on one reply. One `write` is one write to the socket; a reader that falls behind closes
 * the valve to the engine until its socket drains. Silence is filled with comments, which every client skips.
 */
export class SseReply {
  readonly #reply: ServerResponse;
  readonly #flow: Flow;
  readonly #clock: Clock;
  #lastWriteMs: number;
  #cancelKeepAlive: CancelTimer = () => {};

  constructor(reply: ServerResponse, { flow, clock }: { flow: Flow; clock: Clock }) {
    this.#reply = reply;
    this.#flow = flow;
    this.#clock = clock;
    this.#lastWriteMs = clock.monotonicMs();
    reply.on('drain', () => flow.resume());
    reply.on('close', () => this.#cancelKeepAlive());
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
    if (!this.#reply.write(frames)) this.#flow.pause();
  };

  end(): void {
    this.#cancelKeepAlive();
    this.#reply.end();
  }

  #scheduleKeepAlive(): void {
    const silentMs = this.#clock.monotonicMs() - this.#lastWriteMs;
    this.#cancelKeepAlive = this.#clock.schedule(KEEP_ALIVE_INTERVAL_MS - silentMs, () => {
      const due = this.#clock.monotonicMs() - this.#lastWriteMs >= KEEP_ALIVE_INTERVAL_MS;
      if (due) this.write(': keep-alive\n\n');
      this.#scheduleKeepAlive();
    });
  }
}
