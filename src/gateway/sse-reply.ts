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
  #cancelKeepAlive: CancelTimer = () => {};
  /** Set while the socket is full. */
  #cancelCutOff: CancelTimer | null = null;

  constructor(reply: ServerResponse, { flow, clock }: { flow: Flow; clock: Clock }) {
    this.#reply = reply;
    this.#flow = flow;
    this.#clock = clock;
    this.#lastWriteMs = clock.monotonicMs();
    reply.on('drain', () => this.#onDrain());
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
    if (!this.#reply.write(frames)) this.#onFull();
  };

  end(): void {
    this.#cancelKeepAlive();
    this.#reply.end();
  }

  #onFull(): void {
    this.#flow.pause();
    this.#cancelCutOff ??= this.#clock.schedule(SLOW_READER_TIMEOUT_MS, () => this.#reply.destroy());
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
