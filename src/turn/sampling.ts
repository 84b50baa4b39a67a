import type { EngineExtras, EngineSampling } from '../protocol/generate.ts';
import { structuralTag, type FreeText, type OutputRule } from '../harmony/structural-tag.ts';

/** How to sample, as a request says it; what it leaves out is OpenAI's default, never the checkpoint's. */
export interface TurnSampling {
  /** 0 (greedy) to 2. */
  readonly temperature: number;
  /** 0 to 1. */
  readonly topP: number;
  /** 0 or -1: off. */
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly seed: number | null;
  /** The lower, the sooner an engine with priority scheduling takes the request; 0 for no wish. */
  readonly priority: number;
  /** Added to the logits of token ids (as decimal keys); null for none. */
  readonly logitBias: Readonly<Record<string, number>> | null;
  /** Alternatives to tell log probabilities of, 0 to 20; null for no log probabilities. */
  readonly topLogprobs: number | null;
  /** Ids that end the generation, beside those that the checkpoint names itself. */
  readonly stopTokenIds: readonly number[];
  /** What only an engine understands; null for nothing, and wherever harmony is read. */
  readonly extras: EngineExtras | null;
}

/** vLLM wants top_p above 0; this is the same choice as 0, the likeliest token alone. */
const SMALLEST_TOP_P = 1e-6;

/** What one generation is to be besides sampled. */
export interface GenerationBounds {
  readonly maxTokens: number;
  /** What the output must hold; null for nothing. */
  readonly rule: OutputRule | null;
  /** What the generation is in the middle of, where it goes on with another one's. */
  readonly open: FreeText | null;
  /** Tokens that the engine may gather before it sends them, at least 1. */
  readonly streamInterval: number;
}

/**
 * Every value spelled out for the engine, which would otherwise read the checkpoint's `generation_config`; and the
 * grammar of the rule, where there is one.
 */
export function engineSampling(
  sampling: TurnSampling,
  { maxTokens, rule, open, streamInterval }: GenerationBounds,
): EngineSampling {
  return {
    temperature: sampling.temperature,
    top_p: Math.max(sampling.topP, SMALLEST_TOP_P),
    top_k: Math.max(sampling.topK, 0),
    min_p: sampling.minP,
    repetition_penalty: sampling.repetitionPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: sampling.seed,
    priority: sampling.priority,
    max_tokens: maxTokens,
    stop_token_ids: sampling.stopTokenIds,
    ...(sampling.logitBias === null ? {} : { logit_bias: sampling.logitBias }),
    ...(sampling.topLogprobs === null ? {} : { logprobs: sampling.topLogprobs }),
    ...(streamInterval === 1 ? {} : { stream_interval: streamInterval }),
    ...sampling.extras,
    ...(rule === null ? {} : { structured_outputs: { structural_tag: JSON.stringify(structuralTag(rule, open)) } }),
  };
}
