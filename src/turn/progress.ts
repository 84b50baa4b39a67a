import type { ParserSink } from '../harmony/parse.ts';
import type { EngineLogprob, EngineUsage } from '../protocol/generate.ts';

/** Hears the model's messages as they are generated, in order, synchronously. */
export interface OutputListener extends ParserSink {
  /** Log probabilities of the answer's next tokens, before the text that they make; only where they were asked for. */
  onLogprobs(logprobs: readonly EngineLogprob[]): void;
  /** What one read from the engine brought has been delivered: a good moment for one write. */
  onBatchEnd(): void;
}

/** The same over the attempts of a turn. */
export interface TurnListener extends OutputListener {
  /** Somebody sees at once what it hears: it is wanted token by token, and cannot be taken back. */
  readonly isLive: boolean;
  /** Another engine begins the answer anew: all that was heard is void. Never where `isLive` and something was heard. */
  onStartOver(): void;
}

export interface TurnUsage {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Every id generated, headers and stop token included. */
  readonly outputTokens: number;
}

/** Where a turn stands, whatever becomes of its attempts. */
export interface Progress {
  inputTokens: number;
  /** The latest attempt's; null before the first. */
  output: { readonly tokenCount: number } | null;
}

/** The engine's own counts where it gave them, ours otherwise: they are the same. */
export function usageOf({ inputTokens, output }: Progress, engine: EngineUsage | null): TurnUsage {
  return {
    inputTokens: engine?.prompt_tokens ?? inputTokens,
    cachedTokens: engine?.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: engine?.completion_tokens ?? output?.tokenCount ?? 0,
  };
}
