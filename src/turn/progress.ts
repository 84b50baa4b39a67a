import type { ParserSink } from '../harmony/parse.ts';
import type { EngineLogprob, EngineUsage } from '../protocol/generate.ts';

/** Hears the model's messages as they are generated, in order, synchronously. */
export interface OutputListener extends ParserSink {
  /** Log probabilities of the answer's next tokens, before the text that they make; only where they were asked for. */
  onLogprobs(logprobs: readonly EngineLogprob[]): void;
  /** What one read from the engine brought has been delivered: a good moment for one write. */
  onBatchEnd(): void;
}

/** What a listener of a whole turn hears beside the output: it may go over several attempts. */
interface AttemptsListener {
  /** Somebody sees at once what it hears: it is wanted token by token, and cannot be taken back. */
  readonly isLive: boolean;
  /** Another engine begins the answer anew: all that was heard is void. Never where `isLive` and something was heard. */
  onStartOver(): void;
}

/** Hears harmony's messages. Where another engine goes on with the answer it hears nothing of that; nor do the others. */
export interface MessageListener extends OutputListener, AttemptsListener {
  readonly hears: 'messages';
}

/** Hears what is generated as plain text, whatever it means to harmony; control tokens have no text. */
export interface TextListener extends AttemptsListener {
  readonly hears: 'text';
  /** The ids of one read, before the text that they make. */
  onTokens(tokenIds: readonly number[]): void;
  /** As of `OutputListener`, of all the text. */
  onLogprobs(logprobs: readonly EngineLogprob[]): void;
  onText(text: string): void;
  onBatchEnd(): void;
}

/** Hears the ids alone, those of one read at a time. */
export interface TokenListener extends AttemptsListener {
  readonly hears: 'tokens';
  /** `logprobs` goes in step with the ids, and is null where none were asked for. */
  onTokens(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): void;
}

/** Who listens decides how the output is read. */
export type TurnListener = MessageListener | TextListener | TokenListener;

export interface TurnUsage {
  /** Of the prompt that an engine was asked with; 0 where none was. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Every id generated that is part of the answer, headers and stop token included. */
  readonly outputTokens: number;
}

/**
 * The engine's own counts where one engine made the whole answer, which are the same as ours. Over a move (`engine` is
 * null) ours: the input is the original prompt, and how much of it was cached no engine has told.
 */
export function turnUsage(
  counted: { readonly inputTokens: number; readonly outputTokens: number },
  engine: EngineUsage | null,
): TurnUsage {
  return {
    inputTokens: engine?.prompt_tokens ?? counted.inputTokens,
    cachedTokens: engine?.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: engine?.completion_tokens ?? counted.outputTokens,
  };
}
