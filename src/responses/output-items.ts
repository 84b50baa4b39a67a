import type { MessageEnd, MessageHeader } from '../harmony/parse.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type {
  FunctionCallItem,
  ItemStatus,
  MessageItem,
  OutputItem,
  OutputText,
  ReasoningItem,
  TokenLogprob,
} from '../protocol/responses.ts';
import { deltaHead, type DeltaHead, type EventStream } from './event-stream.ts';
import { newId } from './ids.ts';
import { messageKind } from './message-kind.ts';
import type { OutputPolicy } from './output-policy.ts';

/**
 * One item while the model writes it. `open`, any number of `text`, `close`: each tells the events that belong to it
 * (Responses contract, "Exact lifecycles"); after `close` the item is final.
 */
export interface OpenItem {
  readonly item: OutputItem;
  open(events: EventStream): void;
  text(text: string, events: EventStream | null): void;
  /** Log probabilities of the tokens that make the next text; only an answer has a place for them. */
  logprobs?(logprobs: readonly EngineLogprob[]): void;
  close(end: MessageEnd, events: EventStream | null): void;
}

/** What a message of the model becomes. */
export function openItem(header: MessageHeader, outputIndex: number, policy: OutputPolicy): OpenItem {
  const message = messageKind(header, policy);
  switch (message.kind) {
    case 'call':
      return new OpenCall(message.name, outputIndex, policy);
    case 'reasoning':
      return new OpenReasoning(outputIndex, policy);
    case 'message':
      return new OpenMessage(message.phase, outputIndex, policy);
  }
}

const statusAt = ({ how }: MessageEnd): ItemStatus => (how === 'cut' ? 'incomplete' : 'completed');

class OpenMessage implements OpenItem {
  readonly item: MessageItem;
  #head: DeltaHead | null = null;
  readonly #position: { item_id: string; output_index: number; content_index: number };
  readonly #policy: OutputPolicy;
  readonly #logprobs: TokenLogprob[] = [];
  /** How many of them went out with a delta. */
  #logprobsSent = 0;
  #text = '';

  constructor(phase: MessageItem['phase'], outputIndex: number, policy: OutputPolicy) {
    const id = newId('msg', policy.nowMs);
    this.#policy = policy;
    this.item = { id, type: 'message', role: 'assistant', status: 'in_progress', phase, content: [] };
    this.#position = { item_id: id, output_index: outputIndex, content_index: 0 };
  }

  open(events: EventStream): void {
    events.event({ type: 'response.output_item.added', output_index: this.#position.output_index, item: this.item });
    events.event({ type: 'response.content_part.added', ...this.#position, part: outputText('', []) });
  }

  text(text: string, events: EventStream | null): void {
    this.#text += text;
    if (events === null) return;
    this.#head ??= deltaHead('response.output_text.delta', this.#position);
    if (this.#logprobsSent === this.#logprobs.length) return events.delta(this.#head, text);
    events.delta(this.#head, text, this.#logprobs.slice(this.#logprobsSent));
    this.#logprobsSent = this.#logprobs.length;
  }

  logprobs(logprobs: readonly EngineLogprob[]): void {
    this.#logprobs.push(...logprobs.map(this.#policy.spellLogprob));
  }

  close(end: MessageEnd, events: EventStream | null): void {
    const part = outputText(this.#text, this.#logprobs);
    this.item.content = [part];
    this.item.status = statusAt(end);
    events?.event({ type: 'response.output_text.done', ...this.#position, text: this.#text, logprobs: this.#logprobs });
    events?.event({ type: 'response.content_part.done', ...this.#position, part });
    events?.event({ type: 'response.output_item.done', output_index: this.#position.output_index, item: this.item });
  }
}

const outputText = (text: string, logprobs: TokenLogprob[]): OutputText => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs,
});

class OpenReasoning implements OpenItem {
  readonly item: ReasoningItem;
  #head: DeltaHead | null = null;
  readonly #position: { item_id: string; output_index: number; content_index: number };
  readonly #policy: OutputPolicy;
  #text = '';

  constructor(outputIndex: number, policy: OutputPolicy) {
    const id = newId('rs', policy.nowMs);
    this.#policy = policy;
    this.item = { id, type: 'reasoning', summary: [], ...(policy.showReasoning ? { content: [] } : {}) };
    this.#position = { item_id: id, output_index: outputIndex, content_index: 0 };
  }

  open(events: EventStream): void {
    events.event({ type: 'response.output_item.added', output_index: this.#position.output_index, item: this.item });
    if (!this.#policy.showReasoning) return;
    events.event({
      type: 'response.content_part.added',
      ...this.#position,
      part: { type: 'reasoning_text', text: '' },
    });
  }

  text(text: string, events: EventStream | null): void {
    this.#text += text;
    if (!this.#policy.showReasoning || events === null) return;
    this.#head ??= deltaHead('response.reasoning_text.delta', this.#position);
    events.delta(this.#head, text);
  }

  close(_end: MessageEnd, events: EventStream | null): void {
    const text = this.#text;
    if (this.#policy.sealReasoning) this.item.encrypted_content = this.#policy.sealReasoning(text);
    if (this.#policy.showReasoning) {
      this.item.content = [{ type: 'reasoning_text', text }];
      events?.event({ type: 'response.reasoning_text.done', ...this.#position, text });
      events?.event({ type: 'response.content_part.done', ...this.#position, part: { type: 'reasoning_text', text } });
    }
    events?.event({ type: 'response.output_item.done', output_index: this.#position.output_index, item: this.item });
  }
}

class OpenCall implements OpenItem {
  readonly item: FunctionCallItem;
  #head: DeltaHead | null = null;
  readonly #position: { item_id: string; output_index: number };

  constructor(name: string, outputIndex: number, { nowMs }: OutputPolicy) {
    const id = newId('fc', nowMs);
    this.item = {
      id,
      type: 'function_call',
      status: 'in_progress',
      call_id: newId('call', nowMs),
      name,
      arguments: '',
    };
    this.#position = { item_id: id, output_index: outputIndex };
  }

  open(events: EventStream): void {
    events.event({ type: 'response.output_item.added', output_index: this.#position.output_index, item: this.item });
  }

  text(text: string, events: EventStream | null): void {
    this.item.arguments += text;
    if (events === null) return;
    this.#head ??= deltaHead('response.function_call_arguments.delta', this.#position);
    events.delta(this.#head, text);
  }

  /** A call without arguments is one with an empty object: clients parse the text, and expect one delta at least. */
  close(end: MessageEnd, events: EventStream | null): void {
    if (this.item.arguments === '' && end.how !== 'cut') this.text('{}', events);
    this.item.status = statusAt(end);
    const { name, arguments: argumentsText } = this.item;
    events?.event({ type: 'response.function_call_arguments.done', ...this.#position, name, arguments: argumentsText });
    events?.event({ type: 'response.output_item.done', output_index: this.#position.output_index, item: this.item });
  }
}
