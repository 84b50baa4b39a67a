import type { CodedError } from '../domain/errors.ts';
import type { MessageEnd, MessageHeader } from '../harmony/parse.ts';
import type { MessageItem, ReasoningItem, ResponseObject } from '../protocol/responses.ts';
import type { TurnEnd, TurnListener, TurnUsage } from '../turn/run-turn.ts';
import { deltaHead, type DeltaHead, type EventStream } from './event-stream.ts';
import { newId } from './ids.ts';

interface OpenItem {
  readonly item: MessageItem | ReasoningItem;
  readonly outputIndex: number;
  readonly head: DeltaHead;
  text: string;
}

/**
 * Turns the messages of a turn into the items of one response, and into events where someone streams. The response
 * object is its own: it grows with the items and is final after `end`. Event order: the Responses contract, one item
 * at a time.
 */
export class ResponseWriter implements TurnListener {
  readonly response: ResponseObject;
  readonly #events: EventStream | null;
  #open: OpenItem | null = null;
  #reasoningTokens = 0;

  constructor(response: ResponseObject, events: EventStream | null) {
    this.response = response;
    this.#events = events;
  }

  /** The first two events, before any engine is asked. */
  begin(): void {
    this.#events?.event({ type: 'response.created', response: this.response });
    this.#events?.event({ type: 'response.in_progress', response: this.response });
    this.#events?.flush();
  }

  onMessageStart(header: MessageHeader): void {
    const outputIndex = this.response.output.length;
    const isReasoning = header.channel === 'analysis';
    const item = isReasoning ? newReasoning() : newMessage(header);
    const head = deltaHead(`response.${isReasoning ? 'reasoning_text' : 'output_text'}.delta`, item.id, outputIndex);
    this.#open = { item, outputIndex, head, text: '' };
    this.#events?.event({ type: 'response.output_item.added', output_index: outputIndex, item });
    this.#events?.event({ type: 'response.content_part.added', ...this.#position(), part: part(item, '') });
  }

  onText(text: string): void {
    if (!this.#open) return;
    this.#open.text += text;
    this.#events?.delta(this.#open.head, text);
  }

  onMessageEnd(end: MessageEnd): void {
    if (!this.#open) return;
    const { item, outputIndex, text } = this.#open;
    const finished = part(item, text);
    if (item.type === 'reasoning') {
      this.#reasoningTokens += end.contentTokens;
      item.content = [{ type: 'reasoning_text', text }];
      this.#events?.event({ type: 'response.reasoning_text.done', ...this.#position(), text });
    } else {
      item.content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
      item.status = end.how === 'cut' ? 'incomplete' : 'completed';
      this.#events?.event({ type: 'response.output_text.done', ...this.#position(), text, logprobs: [] });
    }
    this.#events?.event({ type: 'response.content_part.done', ...this.#position(), part: finished });
    this.#events?.event({ type: 'response.output_item.done', output_index: outputIndex, item });
    this.response.output.push(item);
    this.#open = null;
  }

  onBatchEnd(): void {
    this.#events?.flush();
  }

  /** The terminal event and the final state of the response. */
  end(turn: Exclude<TurnEnd, { kind: 'aborted' }>, nowMs: number): void {
    this.response.usage = responseUsage(turn.usage, this.#reasoningTokens);
    this.response.status = turn.kind;
    if (turn.kind === 'completed') this.response.completed_at = Math.floor(nowMs / 1000);
    if (turn.kind === 'incomplete') this.response.incomplete_details = { reason: 'max_output_tokens' };
    if (turn.kind === 'failed') this.#fail(turn.error);
    if (this.response.service_tier === 'auto') this.response.service_tier = 'default';
    this.#events?.event({ type: `response.${turn.kind}`, response: this.response });
    this.#events?.end();
  }

  #fail(error: CodedError): void {
    const { error: body } = error.toBody();
    this.response.error = { code: error.code ?? 'server_error', message: error.message };
    this.#events?.event({ type: 'error', error: body, code: body.code, message: body.message, param: body.param });
  }

  #position(): { item_id: string; output_index: number; content_index: 0 } {
    return { item_id: this.#open?.item.id ?? '', output_index: this.#open?.outputIndex ?? 0, content_index: 0 };
  }
}

const newReasoning = (): ReasoningItem => ({ id: newId('rs'), type: 'reasoning', summary: [], content: [] });

/** A channel that gpt-oss does not have counts as final: better shown than lost. */
const newMessage = ({ channel }: MessageHeader): MessageItem => ({
  id: newId('msg'),
  type: 'message',
  role: 'assistant',
  status: 'in_progress',
  phase: channel === 'commentary' ? 'commentary' : 'final_answer',
  content: [],
});

function part(
  item: MessageItem | ReasoningItem,
  text: string,
): MessageItem['content'][0] | ReasoningItem['content'][0] {
  return item.type === 'reasoning'
    ? { type: 'reasoning_text', text }
    : { type: 'output_text', text, annotations: [], logprobs: [] };
}

function responseUsage(usage: TurnUsage, reasoningTokens: number): NonNullable<ResponseObject['usage']> {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
