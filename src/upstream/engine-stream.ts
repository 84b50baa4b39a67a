import type { Dispatcher } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { EngineChunk, EngineLogprob, EngineUsage } from '../protocol/generate.ts';
import { parseEngineChunk } from './engine-chunk.ts';
import { failureFromError, failureFromResponse } from './failure.ts';
import { SseFrames } from './sse-frames.ts';
import { StallTimer } from './stall-timer.ts';
import type { TokenStream, TokenStreamEnd, TokenStreamListener, UpstreamFailure } from './token-stream.ts';

const OK = 200;
const END_MARK = '[DONE]';
/** Error bodies are a few hundred bytes; more than this is no message for people. */
const MAX_ERROR_BODY_BYTES = 64 * 1024;

type Controller = Dispatcher.DispatchController;

/**
 * One generation's response, from dispatch to its end. What a read of the socket brings is collected and handed on in
 * the microtask after it, so that a burst of frames reaches the listener as one call.
 */
export class EngineStream implements TokenStream, Dispatcher.DispatchHandler {
  readonly #listener: TokenStreamListener;
  readonly #frames = new SseFrames();
  readonly #stall: StallTimer;
  #controller: Controller | null = null;
  #paused = false;
  /** No frame counts any more: the end is decided, or the caller has aborted. */
  #closed = false;
  #status = 0;
  readonly #errorBody: Buffer[] = [];
  #errorBodyBytes = 0;
  #finishReason: 'stop' | 'length' | null = null;
  #usage: EngineUsage | null = null;
  #tokenIds: number[] = [];
  #logprobs: EngineLogprob[] = [];
  #end: TokenStreamEnd | null = null;
  #flushScheduled = false;

  constructor(listener: TokenStreamListener, clock: Clock, stallTimeoutMs: number) {
    this.#listener = listener;
    this.#stall = new StallTimer(clock, stallTimeoutMs, () =>
      this.#breakOff({ reason: 'stalled', message: `the engine sent nothing for ${stallTimeoutMs} ms`, status: null }),
    );
    this.#stall.start();
  }

  abort(): void {
    this.#end = null;
    this.#tokenIds = [];
    this.#close();
  }

  pause(): void {
    if (this.#closed) return;
    this.#paused = true;
    this.#controller?.pause();
    this.#stall.stop();
  }

  resume(): void {
    if (this.#closed || !this.#paused) return;
    this.#paused = false;
    this.#stall.start();
    this.#controller?.resume();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#closed) controller.abort(new Error('aborted before it was sent'));
    else if (this.#paused) controller.pause();
  }

  onResponseStart(_controller: Controller, status: number): void {
    this.#stall.touch();
    this.#status = status;
  }

  onResponseData(_controller: Controller, bytes: Buffer): void {
    this.#stall.touch();
    if (this.#status === OK) this.#frames.push(bytes, (data) => this.#onFrame(data));
    else if (this.#errorBodyBytes < MAX_ERROR_BODY_BYTES) {
      this.#errorBody.push(bytes);
      this.#errorBodyBytes += bytes.length;
    }
  }

  onResponseEnd(): void {
    if (this.#status !== OK) {
      this.#fail(failureFromResponse(this.#status, Buffer.concat(this.#errorBody).toString('utf8')));
    } else if (this.#finishReason === null) {
      this.#fail({ reason: 'cut', message: 'the stream ended without a finish reason', status: null });
    } else this.#settle({ kind: 'finished', finishReason: this.#finishReason, usage: this.#usage });
  }

  onResponseError(_controller: Controller, error: Error): void {
    const reason = this.#controller === null ? 'unreachable' : 'cut';
    this.#fail({ reason, message: error.message || error.name, status: null });
  }

  #onFrame(data: string): void {
    if (this.#closed || data === END_MARK) return;
    const chunk = parseEngineChunk(data);
    if (chunk === null) {
      this.#breakOff({
        reason: 'engine_error',
        message: 'the engine sent a frame that is no JSON object',
        status: null,
      });
    } else if (chunk.error) this.#breakOff(failureFromError(chunk.error, this.#status));
    else this.#takeChunk(chunk);
  }

  #takeChunk({ choices, usage }: EngineChunk): void {
    if (usage) this.#usage = usage;
    const choice = choices?.[0];
    if (choice?.token_ids && choice.token_ids.length > 0) {
      for (const tokenId of choice.token_ids) this.#tokenIds.push(tokenId);
      if (choice.logprobs?.content) this.#logprobs.push(...choice.logprobs.content);
      this.#scheduleFlush();
    }
    const finish = choice?.finish_reason;
    if (finish === 'stop' || finish === 'length') this.#finishReason = finish;
    else if (finish) {
      const message = `the engine ended the generation with finish reason ${finish}`;
      this.#breakOff({ reason: 'engine_error', message, status: null });
    }
  }

  /** A failure in mid-response: nothing of the rest is of use. */
  #breakOff(failure: UpstreamFailure): void {
    this.#fail(failure);
    this.#close();
  }

  #fail(failure: UpstreamFailure): void {
    this.#settle({ kind: 'failed', failure });
  }

  #settle(end: TokenStreamEnd): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stall.stop();
    this.#end = end;
    this.#scheduleFlush();
  }

  #close(): void {
    this.#closed = true;
    this.#stall.stop();
    this.#controller?.abort(new Error('closed by the gateway'));
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#tokenIds.length > 0) {
      const tokenIds = this.#tokenIds;
      const logprobs = this.#logprobs.length === tokenIds.length ? this.#logprobs : null;
      this.#tokenIds = [];
      if (this.#logprobs.length > 0) this.#logprobs = [];
      this.#listener.onTokens(tokenIds, logprobs);
    }
    // The listener may have aborted in onTokens, which takes the end away too.
    const end = this.#end;
    this.#end = null;
    if (end) this.#listener.onEnd(end);
  }
}
