import { reword, type Wording } from '../completions/reword.ts';
import { completionUsage } from '../completions/usage.ts';
import { CodedError } from '../domain/errors.ts';
import type { MessageEnd, MessageHeader } from '../harmony/parse.ts';
import type { ChatCompletion, ChatFinishReason, ChatMessage, CompletionUsage } from '../protocol/chat.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { TokenLogprob } from '../protocol/responses.ts';
import { newId } from '../responses/ids.ts';
import { isOwnMessage, messageKind, type MessageKind } from '../responses/message-kind.ts';
import { brokenPromise, type OutputPolicy, type Said } from '../responses/output-policy.ts';
import type { Answering } from '../turn/answer-turn.ts';
import type { MessageListener } from '../turn/progress.ts';
import type { TurnEnd } from '../turn/run-turn.ts';
import type { ChatChunks, ChatHead, TextPlace } from './chat-chunks.ts';

/** How one completion is written. */
export interface ChatStyle {
  readonly head: ChatHead;
  readonly policy: OutputPolicy;
  readonly wording: Wording;
  /** Log probabilities were asked for. */
  readonly hasLogprobs: boolean;
}

/** One message of the model while it is written; of a call `text` is the arguments. */
interface OpenMessage {
  readonly means: MessageKind;
  /** Where its text goes; null: nowhere. */
  readonly place: TextPlace | 'call' | null;
  /** Of a call: its id, the client's name of its function, and its place among the calls. */
  readonly call: { readonly id: string; readonly name: string; readonly index: number } | null;
  text: string;
}

/** Between two messages that chat has one place for. */
const SEPARATOR = '\n\n';

/**
 * Turns the messages of a turn into the one message that a chat completion has, and into chunks where someone streams.
 * Preamble and answer are its content, except where the answer is to be JSON: there a preamble counts as reasoning.
 */
export class ChatWriter implements MessageListener, Answering<ChatCompletion> {
  readonly hears = 'messages';
  readonly #style: ChatStyle;
  readonly #chunks: ChatChunks | null;
  readonly #onFirstOutput: () => void;
  #messages: OpenMessage[] = [];
  #open: OpenMessage | null = null;
  #logprobs: TokenLogprob[] = [];
  /** How many of them went out with a chunk. */
  #logprobsSent = 0;
  #reasoningTokens = 0;
  #finishReason: ChatFinishReason = 'stop';
  #usage: CompletionUsage | null = null;

  constructor(style: ChatStyle, chunks: ChatChunks | null, onFirstOutput: () => void) {
    this.#style = style;
    this.#chunks = chunks;
    this.#onFirstOutput = onFirstOutput;
  }

  get isLive(): boolean {
    return this.#chunks !== null;
  }

  get reasoningTokens(): number {
    return this.#reasoningTokens;
  }

  begin(): void {
    this.#chunks?.role();
    this.#chunks?.flush();
  }

  onStartOver(): void {
    this.#messages = [];
    this.#open = null;
    this.#logprobs = [];
    this.#reasoningTokens = 0;
  }

  onMessageStart(header: MessageHeader): void {
    if (!isOwnMessage(header)) return;
    if (this.#messages.length === 0) this.#onFirstOutput();
    const open = this.#newMessage(header);
    if (open.call !== null) this.#chunks?.callStart(open.call.index, open.call.id, open.call.name);
    this.#messages.push(open);
    this.#open = open;
  }

  onText(text: string): void {
    const open = this.#open;
    if (open === null) return;
    const { place } = open;
    if (open.call !== null) this.#chunks?.callArguments(open.call.index, text);
    else if (place !== null && place !== 'call' && this.#chunks !== null) {
      const isSecond = open.text === '' && this.#textAt(place) !== '';
      this.#writeText(this.#chunks, place, isSecond ? SEPARATOR + text : text);
    }
    open.text += text;
  }

  onLogprobs(logprobs: readonly EngineLogprob[]): void {
    this.#logprobs.push(...logprobs.map(this.#style.policy.spellLogprob));
  }

  /** A call without arguments is one with an empty object: clients parse the text. */
  onMessageEnd(end: MessageEnd): void {
    const open = this.#open;
    if (open === null) return;
    if (open.call !== null && open.text === '' && end.how !== 'cut') this.onText('{}');
    if (open.means.kind === 'reasoning') this.#reasoningTokens += end.contentTokens;
    this.#open = null;
  }

  onBatchEnd(): void {
    this.#chunks?.flush();
  }

  finish(end: Exclude<TurnEnd, { kind: 'aborted' }>): CodedError | null {
    this.#usage = completionUsage(end.usage, this.#reasoningTokens);
    const hasCall = this.#messages.some(({ call }) => call !== null);
    this.#finishReason = end.kind === 'incomplete' ? 'length' : hasCall ? 'tool_calls' : 'stop';
    const error = end.kind === 'failed' ? end.error : end.kind === 'completed' ? this.#promiseError() : null;
    return error && reword(error, this.#style.wording);
  }

  announce(error: CodedError | null): void {
    if (error === null && this.#usage !== null) {
      this.#chunks?.finish(this.#finishReason);
      this.#chunks?.usage(this.#usage);
    }
    this.#chunks?.end(error);
  }

  answer(): ChatCompletion {
    if (this.#usage === null) throw new Error('the turn is not over');
    const logprobs = this.#style.hasLogprobs ? { content: this.#logprobs, refusal: null } : null;
    return {
      ...this.#style.head,
      object: 'chat.completion',
      choices: [{ index: 0, message: this.#message(), logprobs, finish_reason: this.#finishReason }],
      usage: this.#usage,
    };
  }

  #newMessage(header: MessageHeader): OpenMessage {
    const { policy } = this.#style;
    const means = messageKind(header, policy);
    if (means.kind === 'call') {
      const index = this.#messages.filter(({ call }) => call !== null).length;
      const call = { id: newId('call', policy.nowMs), name: means.name, index };
      return { means, place: 'call', call, text: '' };
    }
    const isContent = means.kind === 'message' && (means.phase === 'final_answer' || policy.answerSchema === null);
    return { means, place: isContent ? 'content' : policy.showReasoning ? 'reasoning' : null, call: null, text: '' };
  }

  #writeText(chunks: ChatChunks, place: TextPlace, text: string): void {
    if (this.#logprobsSent === this.#logprobs.length) return chunks.text(place, text);
    chunks.textWithLogprobs(text, this.#logprobs.slice(this.#logprobsSent));
    this.#logprobsSent = this.#logprobs.length;
  }

  #textAt(place: TextPlace): string {
    const messages = this.#messages.filter((message) => message.place === place && message.text !== '');
    return messages.map(({ text }) => text).join(SEPARATOR);
  }

  #message(): ChatMessage {
    const content = this.#textAt('content');
    const reasoning = this.#textAt('reasoning');
    const calls = this.#messages.flatMap(({ call, text }) =>
      call === null ? [] : [{ id: call.id, type: 'function' as const, function: { name: call.name, arguments: text } }],
    );
    return {
      role: 'assistant',
      content: content === '' && calls.length > 0 ? null : content,
      refusal: null,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }

  #promiseError(): CodedError | null {
    const broken = brokenPromise(this.#messages.map(toSaid), this.#style.policy);
    return broken === null ? null : new CodedError('broken_promise', broken);
  }
}

function toSaid({ means, text }: OpenMessage): Said {
  switch (means.kind) {
    case 'call':
      return { type: 'function_call', name: means.name, arguments: text };
    case 'message':
      return { type: 'message', phase: means.phase, content: [{ text }] };
    case 'reasoning':
      return { type: 'reasoning' };
  }
}
