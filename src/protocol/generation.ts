import { Type, type Static } from 'typebox';
import { VOCABULARY_SIZE } from '../harmony/tokens.ts';
import { StreamOptions, type CompletionUsage } from './chat.ts';
import type { EngineLogprob } from './generate.ts';
import { MAX_INT32, SAMPLING_FIELDS } from './sampling.ts';

const TokenIds = Type.Array(Type.Integer({ minimum: 0, maximum: VOCABULARY_SIZE - 1 }), { minItems: 1 });

/**
 * The body of `POST /inference/v1/generate`, as vLLM 0.32 takes it (`scale_out/token_in_token_out/protocol.py`), as far
 * as types and ranges go. Unknown keys are ignored, as there.
 */
export const GenerateBody = Type.Object({
  /** The one that is served, where it is left out. */
  model: Type.Optional(Type.String()),
  token_ids: TokenIds,
  sampling_params: Type.Object({
    ...SAMPLING_FIELDS,
    max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_INT32 })),
    min_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_INT32 })),
    /** Beside the checkpoint's own ends. */
    stop_token_ids: Type.Optional(Type.Array(TokenIds.items)),
    ignore_eos: Type.Optional(Type.Boolean()),
    logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
    allowed_token_ids: Type.Optional(TokenIds),
    bad_words: Type.Optional(Type.Array(Type.String())),
    /** Tokens a frame. */
    stream_interval: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_INT32 })),
    structured_outputs: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    n: Type.Optional(Type.Integer({ minimum: 1 })),
    prompt_logprobs: Type.Optional(Type.Unknown()),
  }),
  stream: Type.Optional(Type.Boolean()),
  stream_options: Type.Optional(StreamOptions),
  priority: SAMPLING_FIELDS.priority,
  output_mode: Type.Optional(Type.Enum(['tokens'])),
  features: Type.Optional(Type.Unknown()),
  content_parts: Type.Optional(Type.Unknown()),
  kv_transfer_params: Type.Optional(Type.Unknown()),
});

export type GenerateBody = Static<typeof GenerateBody>;

/** vLLM's choice, key for key; what Chorus has nothing for is null, as from an engine. */
export interface GenerationChoice {
  index: 0;
  finish_reason: 'stop' | 'length' | null;
  /** The id that ended it, where that is not `<|return|>`. */
  stop_reason: number | null;
  token_ids: readonly number[];
  routed_experts: null;
  sampling_mask: null;
  weight_versions: null;
  /** In step with the ids. */
  logprobs: { content: readonly EngineLogprob[] } | null;
}

export interface Generation {
  request_id: string;
  model: string;
  created: number;
  usage: CompletionUsage;
  output_mode: 'tokens';
  choices: [GenerationChoice];
}
