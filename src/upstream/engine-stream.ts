import type { Clock } from '../domain/clock.ts';
import type { EngineChunk, EngineLogprob, EngineUsage } from '../protocol/generate.ts';
import { parseEngineChunk } from './engine-chunk.ts';
import type { Exchange, ResponseListener } from './exchange.ts';
import { failureFromError, failureFromResponse } from './failure.ts';
import { SseFrames } from './sse-frames.ts';
import { StallTimer } from './stall-timer.ts';
import { TokenFrame } from './token-frame.ts';
import type { TokenStream, TokenStreamEnd, TokenStreamListener, UpstreamFailure } from './token-stream.ts';

const OK = 200;
const END_MARK = '[DONE]';
/** Error bodies are a few hundred bytes; more than this is no message for people, and may have no end. */
const MAX_ERROR_BODY_BYTES = 64 * 1024;

export interface StreamLimits {
  /** What the engine was asked for at most. */
  readonly maxTokens: number;
  /** As of `UpstreamOptions`. */
  readonly stallTimeoutMs: number;
  /** Asked when that has passed: then it counts from now. */
  readonly mayBeSilent: () => boolean;
}

/** One generation's response, from its first byte to its end. What a read of the socket brings is handed on as one call. */
export class EngineStream implements TokenStream, ResponseListener {
  readonly #listener: TokenStreamListener;
  readonly #exchange: Exchange;
  readonly #frames = new SseFrames();
  readonly #tokenFrame = new TokenFrame();
  readonly #stall: StallTimer;
  readonly #onFrame = (data: string): void => this.#takeFrame(data);
  #paused = false;
  /** The end is decided, or the caller has aborted: nothing of what still comes counts. */
  #closed = false;
  #aborted = false;
  #status = 0;
  #retryAfterSeconds: number | null = null;
  readonly #errorBody: Buffer[] = [];
  #errorBodyBytes = 0;
  #finishReason: 'stop' | 'length' | null = null;
  #usage: EngineUsage | null = null;
  /** What it may still send. */
  #tokensLeft: number;
  #tokenIds: number[] = [];
  #logprobs: EngineLogprob[] = [];

  /** `send` sends the request; its listener is called after this tick at the earliest. */
  constructor(
    listener: TokenStreamListener,
    send: (listener: ResponseListener) => Exchange,
    clock: Clock,
    { maxTokens, stallTimeoutMs, mayBeSilent }: StreamLimits,
  ) {
    this.#listener = listener;
    this.#tokensLeft = maxTokens;
    this.#stall = new StallTimer(clock, stallTimeoutMs, () => {
      if (mayBeSilent()) return this.#stall.start();
      this.#breakOff({ reason: 'stalled', message: `the engine sent nothing for ${stallTimeoutMs} ms`, status: null });
    });
    this.#stall.start();
    this.#exchange = send(this);
  }

  abort(): void {
    this.#aborted = true;
    this.#close();
    this.#exchange.abort();
  }

  pause(): void {
    if (this.#closed) return;
    this.#paused = true;
    this.#exchange.pause();
    this.#stall.stop();
  }

  resume(): void {
    if (this.#closed || !this.#paused) return;
    this.#paused = false;
    this.#stall.start();
    this.#exchange.resume();
  }

  onHead(status: number, retryAfterSeconds: number | null): void {
    this.#status = status;
    this.#retryAfterSeconds = retryAfterSeconds;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (this.#status === OK) {
      const at = this.#frames.isBetweenEvents ? this.#takeTokenFrames(bytes, start, end) : start;
      if (at < end) this.#frames.push(bytes, this.#onFrame, at, end);
      if (this.#frames.isTooLong) this.#breakOffAsBroken('the engine sent a frame without end');
      if (this.#tokenIds.length > this.#tokensLeft) this.#breakOffAtLimit();
    } else {
      this.#errorBody.push(Buffer.from(bytes.subarray(start, end)));
      this.#errorBodyBytes += end - start;
      if (this.#errorBodyBytes > MAX_ERROR_BODY_BYTES) this.#breakOff(this.#refusal());
    }
  }

  onRead(): void {
    this.#stall.touch();
    this.#handOn();
  }

  onComplete(): void {
    if (this.#status !== OK) this.#fail(this.#refusal());
    else if (this.#finishReason === null) {
      this.#fail({ reason: 'cut', message: 'the stream ended without a finish reason', status: null });
    } else this.#settle({ kind: 'finished', finishReason: this.#finishReason, usage: this.#usage });
  }

  onFailed(reason: 'unreachable' | 'cut', message: string): void {
    this.#fail({ reason, message, status: null });
  }

  /** Takes the frames at `start` that bring one token and nothing else, and returns where the first other one begins. */
  #takeTokenFrames(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const tokenId = this.#tokenFrame.read(bytes, at, end);
      if (tokenId === null) break;
      this.#takeToken(tokenId);
      at = this.#tokenFrame.end;
    }
    return at;
  }

  #takeFrame(data: string): void {
    if (this.#closed || data === END_MARK) return;
    const tokenId = this.#tokenFrame.learn(data);
    if (tokenId !== null) return this.#takeToken(tokenId);
    const chunk = parseEngineChunk(data);
    if (chunk === null) this.#breakOffAsBroken('the engine sent a frame that makes no sense');
    else if (chunk.error) this.#breakOff(failureFromError(chunk.error, this.#status));
    else this.#takeChunk(chunk);
  }

  #takeToken(tokenId: number): void {
    this.#tokenIds.push(tokenId);
  }

  #takeChunk({ choices, usage }: EngineChunk): void {
    if (usage) this.#usage = usage;
    const choice = choices?.[0];
    if (choice?.token_ids) this.#tokenIds = this.#tokenIds.concat(choice.token_ids);
    if (choice?.logprobs?.content) this.#logprobs.push(...choice.logprobs.content);
    const finish = choice?.finish_reason;
    if (finish === 'stop' || finish === 'length') this.#finishReason = finish;
    else if (finish) this.#breakOffAsBroken(`the engine ended the generation with finish reason ${finish}`);
  }

  /** What a response says that is no stream. */
  #refusal(): UpstreamFailure {
    const failure = failureFromResponse(this.#status, Buffer.concat(this.#errorBody).toString('utf8'));
    const seconds = failure.reason === 'busy' ? this.#retryAfterSeconds : null;
    return seconds === null ? failure : { ...failure, retryAfterMs: seconds * 1000 };
  }

  #breakOffAtLimit(): void {
    this.#tokenIds = [];
    this.#breakOffAsBroken('the engine sent more tokens than it was asked for');
  }

  #breakOffAsBroken(message: string): void {
    this.#breakOff({ reason: 'engine_error', message, status: null });
  }

  /** A failure in mid-response: nothing of the rest is of use. */
  #breakOff(failure: UpstreamFailure): void {
    this.#exchange.abort();
    this.#fail(failure);
  }

  #fail(failure: UpstreamFailure): void {
    this.#settle({ kind: 'failed', failure });
  }

  #settle(end: TokenStreamEnd): void {
    if (this.#closed) return;
    this.#close();
    this.#handOn();
    // The listener may have aborted in onTokens.
    if (!this.#aborted) this.#listener.onEnd(end);
  }

  #close(): void {
    this.#closed = true;
    this.#stall.stop();
  }

  #handOn(): void {
    if (this.#aborted || this.#tokenIds.length === 0) return;
    const tokenIds = this.#tokenIds;
    this.#tokensLeft -= tokenIds.length;
    const logprobs = this.#logprobs.length === tokenIds.length ? this.#logprobs : null;
    this.#tokenIds = [];
    if (this.#logprobs.length > 0) this.#logprobs = [];
    this.#listener.onTokens(tokenIds, logprobs);
  }
}
