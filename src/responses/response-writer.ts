import { CodedError } from '../domain/errors.ts';
import type { MessageEnd, MessageHeader } from '../harmony/parse.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { FailedAttemptObject, ResponseObject, ResponseUsage } from '../protocol/responses.ts';
import type { FailedAttempt } from '../turn/after-failure.ts';
import type { Answering } from '../turn/answer-turn.ts';
import type { MessageListener, TurnUsage } from '../turn/progress.ts';
import type { TurnEnd } from '../turn/run-turn.ts';
import type { EventStream } from './event-stream.ts';
import { isOwnMessage } from './message-kind.ts';
import { openItem, type OpenItem } from './output-items.ts';
import { brokenPromise, type OutputPolicy } from './output-policy.ts';

/**
 * Turns the messages of a turn into the items of one response, and into events where someone streams. The response
 * object is its own: it grows with the items and is final after `finish`. Event order: the Responses contract, one item
 * at a time.
 */
export class ResponseWriter implements MessageListener, Answering<ResponseObject> {
  readonly hears = 'messages';
  readonly response: ResponseObject;
  readonly #policy: OutputPolicy;
  readonly #events: EventStream | null;
  readonly #onFirstItem: () => void;
  #open: OpenItem | null = null;
  #reasoningTokens = 0;
  readonly #tokenIds = new Map<string, readonly number[]>();

  /** `onFirstItem` is called when the output begins, and again when it begins anew. */
  constructor(
    response: ResponseObject,
    policy: OutputPolicy,
    events: EventStream | null,
    onFirstItem: () => void = () => {},
  ) {
    this.response = response;
    this.#policy = policy;
    this.#events = events;
    this.#onFirstItem = onFirstItem;
  }

  get isLive(): boolean {
    return this.#events !== null;
  }

  /** Of the messages that are complete. */
  get reasoningTokens(): number {
    return this.#reasoningTokens;
  }

  onStartOver(): void {
    this.response.output = [];
    this.#open = null;
    this.#reasoningTokens = 0;
    this.#tokenIds.clear();
  }

  /** The first two events, before any engine is asked. */
  begin(): void {
    this.#events?.event({ type: 'response.created', response: this.response });
    this.#events?.event({ type: 'response.in_progress', response: this.response });
    this.#events?.flush();
  }

  onMessageStart(header: MessageHeader): void {
    if (!isOwnMessage(header)) return;
    if (this.response.output.length === 0) this.#onFirstItem();
    this.#open = openItem(header, this.response.output.length, this.#policy);
    if (this.#events) this.#open.open(this.#events);
  }

  onText(text: string): void {
    this.#open?.text(text, this.#events);
  }

  onLogprobs(logprobs: readonly EngineLogprob[]): void {
    this.#open?.logprobs?.(logprobs);
  }

  onMessageEnd(end: MessageEnd): void {
    if (!this.#open) return;
    this.#open.close(end, this.#events);
    const { item } = this.#open;
    if (item.type === 'reasoning') this.#reasoningTokens += end.contentTokens;
    if (end.tokenIds !== null && end.how !== 'cut') this.#tokenIds.set(item.id, end.tokenIds);
    this.response.output.push(item);
    this.#open = null;
  }

  onBatchEnd(): void {
    this.#events?.flush();
  }

  /** The ids that the engine generated, by the item that they became; items that needed repair have none. */
  get outputTokenIds(): ReadonlyMap<string, readonly number[]> {
    return this.#tokenIds;
  }

  /**
   * The final state of the response; nothing is announced yet. An output that does not hold what was asked for makes a
   * completed turn a failed response; returns the error then, and when the turn itself failed.
   */
  finish(turn: Exclude<TurnEnd, { kind: 'aborted' }>, nowMs: number): CodedError | null {
    const error = turn.kind === 'failed' ? turn.error : turn.kind === 'completed' ? this.#promiseError() : null;
    const { response } = this;
    const failedAttempts = turn.failedAttempts.flatMap(failedAttemptObject);
    if (failedAttempts.length > 0) response.chorus = { failed_attempts: failedAttempts };
    response.usage = responseUsage(turn.usage, this.#reasoningTokens);
    response.status = turn.kind;
    if (turn.kind === 'completed') response.completed_at = Math.floor(nowMs / 1000);
    if (turn.kind === 'incomplete') response.incomplete_details = { reason: 'max_output_tokens' };
    if (response.service_tier === 'auto') response.service_tier = 'default';
    if (error !== null) this.fail(error);
    return error;
  }

  /** Makes a finished response a failed one. */
  fail(error: CodedError): void {
    this.response.status = 'failed';
    this.response.completed_at = null;
    this.response.incomplete_details = null;
    this.response.error = { code: error.code ?? 'server_error', message: error.message };
  }

  /** The terminal event, after an error event where there is an error. */
  announce(error: CodedError | null): void {
    if (error !== null) {
      const { error: body } = error.toBody();
      this.#events?.event({ type: 'error', error: body, code: body.code, message: body.message, param: body.param });
    }
    const { response } = this;
    if (response.status !== 'in_progress') this.#events?.event({ type: `response.${response.status}`, response });
    this.#events?.end();
  }

  answer(): ResponseObject {
    return this.response;
  }

  #promiseError(): CodedError | null {
    const broken = brokenPromise(this.response.output, this.#policy);
    return broken === null ? null : new CodedError('broken_promise', broken);
  }
}

/** The last one of a failed turn is what its error tells of. */
function failedAttemptObject({ engineId, outcome, outputTokens, cause, reason }: FailedAttempt): FailedAttemptObject[] {
  if (outcome === 'given_up') return [];
  return [{ engine: engineId, outcome, output_tokens: outputTokens, reason: `${cause}: ${reason}` }];
}

function responseUsage(usage: TurnUsage, reasoningTokens: number): ResponseUsage {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
