import type OpenAI from 'openai';
import { LMError } from './errors.ts';
import type { OnDelta } from './model-api.ts';
import { toolCallOf } from './result.ts';

/** What servers of reasoning models add: vLLM says `reasoning`, others say `reasoning_content`. */
interface Thoughts {
  readonly reasoning?: string | null;
  readonly reasoning_content?: string | null;
}

/** A message of the model as chat servers send it. */
export type ChatMessage = OpenAI.ChatCompletionMessage & Thoughts;

type FinishReason = OpenAI.ChatCompletion.Choice['finish_reason'];

interface OpenCall {
  id: string;
  name: string;
  arguments: string;
}

/** Puts the chunks of a chat stream together and tells its pieces as they come. */
export class ChatAnswer {
  readonly #onDelta: OnDelta;
  readonly #calls = new Map<number, OpenCall>();
  #first: OpenAI.ChatCompletionChunk | null = null;
  #content = '';
  #refusal = '';
  #reasoning = '';
  #finishReason: FinishReason | null = null;
  #usage: OpenAI.CompletionUsage | null = null;

  constructor(onDelta: OnDelta) {
    this.#onDelta = onDelta;
  }

  take(chunk: OpenAI.ChatCompletionChunk): void {
    this.#first ??= chunk;
    this.#usage = chunk.usage ?? this.#usage;
    const [choice] = chunk.choices;
    if (!choice) return;
    this.#takeText(choice.delta);
    for (const call of choice.delta.tool_calls ?? []) this.#takeCall(call);
    if (choice.finish_reason) this.#end(choice.finish_reason);
  }

  /** The completion that an answer without a stream would have been. Throws an `LMError` when the stream broke off. */
  finish(): OpenAI.ChatCompletion {
    if (this.#first === null || this.#finishReason === null) {
      throw new LMError('stream_cut', 'The stream ended before its answer did.', { text: this.#content });
    }
    const { id, created, model } = this.#first;
    return {
      id,
      created,
      model,
      object: 'chat.completion',
      choices: [{ index: 0, finish_reason: this.#finishReason, logprobs: null, message: this.#message() }],
      ...(this.#usage === null ? {} : { usage: this.#usage }),
    };
  }

  #takeText({ content, refusal, reasoning, reasoning_content: thought }: ChunkDelta): void {
    const thoughts = reasoning ?? thought ?? '';
    this.#reasoning += thoughts;
    this.#content += content ?? '';
    this.#refusal += refusal ?? '';
    if (thoughts) this.#onDelta({ type: 'reasoning', text: thoughts });
    const text = content || refusal;
    if (text) this.#onDelta({ type: 'text', text, phase: 'answer' });
  }

  #takeCall({ index, id, function: part }: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall): void {
    const call = this.#calls.get(index) ?? { id: '', name: '', arguments: '' };
    this.#calls.set(index, {
      id: id ?? call.id,
      name: call.name + (part?.name ?? ''),
      arguments: call.arguments + (part?.arguments ?? ''),
    });
  }

  #end(reason: FinishReason): void {
    this.#finishReason = reason;
    for (const call of this.#calls.values()) this.#onDelta({ type: 'toolCall', toolCall: toolCallOf(call) });
  }

  #message(): ChatMessage {
    const calls = [...this.#calls.values()].map(({ id, name, arguments: text }) => {
      return { id, type: 'function' as const, function: { name, arguments: text } };
    });
    return {
      role: 'assistant',
      content: this.#content || null,
      refusal: this.#refusal || null,
      ...(this.#reasoning === '' ? {} : { reasoning: this.#reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }
}

type ChunkDelta = OpenAI.ChatCompletionChunk.Choice.Delta & Thoughts;
