import { fromFunctionName } from '../harmony/function-name.ts';
import { isAnswer } from '../harmony/header.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import type { MessageEnd, MessageHeader, ParserSink } from '../harmony/parse.ts';
import type { OnDelta } from './model-api.ts';
import { toolCallOf, type LMToolCall, type Said } from './result.ts';

const FUNCTIONS = 'functions.';

/** Gathers what the model says from its messages, and tells the pieces as they come. */
export class HarmonyOutput implements ParserSink {
  /** What a follow-up replays. */
  readonly messages: HarmonyMessage[] = [];
  readonly #onDelta: OnDelta | null;
  readonly #newCallId: () => string;
  readonly #toolCalls: LMToolCall[] = [];
  #header: MessageHeader | null = null;
  #text = '';
  #reasoningTokens = 0;

  constructor(onDelta: OnDelta | null, newCallId: () => string) {
    this.#onDelta = onDelta;
    this.#newCallId = newCallId;
  }

  get said(): Said {
    const textOn = (channel: string): string[] =>
      this.messages.flatMap((message) =>
        message.role === 'assistant' && message.channel === channel && 'text' in message ? message.text : [],
      );
    const thoughts = textOn('analysis');
    return {
      answer: textOn('final').join(''),
      preamble: textOn('commentary').join(''),
      reasoning: thoughts.length === 0 ? null : thoughts.join(''),
      toolCalls: this.#toolCalls,
    };
  }

  get reasoningTokens(): number {
    return this.#reasoningTokens;
  }

  onMessageStart(header: MessageHeader): void {
    this.#header = header;
    this.#text = '';
  }

  onText(text: string): void {
    this.#text += text;
    const kind = this.#header === null ? 'call' : kindOf(this.#header);
    if (kind === 'analysis') this.#onDelta?.({ type: 'reasoning', text });
    else if (kind !== 'call') {
      this.#onDelta?.({ type: 'text', text, phase: kind === 'final' ? 'answer' : 'preamble' });
    }
  }

  /** A call that was cut off is none, and is not replayed. */
  onMessageEnd({ how, contentTokens, tokenIds }: MessageEnd): void {
    const header = this.#header;
    this.#header = null;
    if (header === null) return;
    const replay = tokenIds === null || how === 'cut' ? {} : { tokenIds };
    const channel = kindOf(header);
    if (channel === 'analysis') this.#reasoningTokens += contentTokens;
    if (channel !== 'call') this.messages.push({ role: 'assistant', channel, text: this.#text, ...replay });
    else if (how !== 'cut') this.#takeCall(header.recipient ?? '', replay);
  }

  #takeCall(recipient: string, replay: { readonly tokenIds?: readonly number[] }): void {
    const name = recipient.startsWith(FUNCTIONS) ? recipient.slice(FUNCTIONS.length) : recipient;
    const id = this.#newCallId();
    const toolCall = toolCallOf({ id, name: fromFunctionName(name), arguments: this.#text });
    this.#toolCalls.push(toolCall);
    this.messages.push({ role: 'assistant', channel: 'call', name, arguments: this.#text, ...replay });
    this.#onDelta?.({ type: 'toolCall', toolCall });
  }
}

/** A channel that the model made up holds what it says on the way. */
function kindOf(header: MessageHeader): 'analysis' | 'commentary' | 'final' | 'call' {
  if (header.recipient !== null) return 'call';
  if (isAnswer(header)) return 'final';
  return header.channel === 'analysis' ? 'analysis' : 'commentary';
}
