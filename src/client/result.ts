import type OpenAI from 'openai';
import type { EngineFinishReason, EngineUsage } from '../protocol/generate.ts';
import type { LMAssistantMessage } from './messages.ts';

/** How an LM talks to its server. */
export type ApiType = 'responses' | 'chat' | 'harmony';

/** A call that the model makes. */
export interface LMToolCall {
  /** What the call's result names, see `toolResult`. */
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
  /** The same as a value; null where it is not JSON. */
  readonly parsedArguments: unknown;
}

/** Counts of tokens, as the server tells them. */
export interface LMUsage {
  readonly inputTokens: number;
  /** Of the input: what the server had in its cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the output: what was thought. */
  readonly reasoningTokens: number;
  readonly totalTokens: number;
}

/** What an engine's token route answered. */
export interface TokenAnswer {
  readonly promptTokenIds: readonly number[];
  readonly tokenIds: readonly number[];
  readonly finishReason: EngineFinishReason;
  readonly usage: EngineUsage | null;
}

interface ReplyCore {
  /** The answer. Where the model calls a tool instead, what it said before that; empty when that is nothing. */
  readonly text: string;
  /** What the model thought, or the server's summary of that; null where the server does not tell. */
  readonly reasoning: string | null;
  readonly toolCalls: readonly LMToolCall[];
  /** What `previousResponseId` takes; null in chat mode, which has none. */
  readonly responseId: string | null;
  /** Null where the server does not tell. */
  readonly usage: LMUsage | null;
  /** Why the answer is not whole, such as `max_output_tokens`; null when it is. */
  readonly incompleteReason: string | null;
  /** What the model said, as a message: for those who keep the conversation themselves. */
  readonly message: LMAssistantMessage;
}

/** An answer, before a format is asked of it. */
export type Reply = ReplyCore &
  (
    | { readonly apiType: 'responses'; readonly rawResponse: OpenAI.Responses.Response }
    | { readonly apiType: 'chat'; readonly rawResponse: OpenAI.ChatCompletion }
    | { readonly apiType: 'harmony'; readonly rawResponse: TokenAnswer }
  );

/** An answer. `rawResponse` is what the server sent, by `apiType`; a stream's is put together from its pieces. */
export type LMResult<T = unknown> = Reply & {
  /** The answer as `responseFormat` reads it; null without a format, and where the model calls a tool instead. */
  readonly structuredOutput: T | null;
};

/** A piece of an answer as it comes. */
export type LMDelta =
  /** Of the answer, or of what the model says before it calls a tool. */
  | { readonly type: 'text'; readonly text: string; readonly phase: 'answer' | 'preamble' }
  | { readonly type: 'reasoning'; readonly text: string }
  /** A call, once it is whole. */
  | { readonly type: 'toolCall'; readonly toolCall: LMToolCall };

/** What an answer says, however it came. */
export interface Said {
  readonly answer: string;
  readonly preamble: string;
  readonly reasoning: string | null;
  readonly toolCalls: readonly LMToolCall[];
}

/** The parts of a result that follow from what was said. */
export function sayingOf({
  answer,
  preamble,
  reasoning,
  toolCalls,
}: Said): Pick<ReplyCore, 'text' | 'reasoning' | 'toolCalls' | 'message'> {
  const text = answer === '' ? preamble : answer;
  const calls = toolCalls.map(({ id, name, arguments: argumentsText }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: argumentsText },
  }));
  return {
    text,
    reasoning,
    toolCalls,
    message: {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      ...(reasoning === null ? {} : { reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  };
}

/** A call with its arguments read. */
export function toolCallOf(call: Omit<LMToolCall, 'parsedArguments'>): LMToolCall {
  return { ...call, parsedArguments: parseJson(call.arguments) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
