import { Type, type Static } from 'typebox';
import { StreamOptions, type CompletionUsage } from './chat.ts';
import { MAX_INT32, SAMPLING_FIELDS } from './sampling.ts';

/** The body of `POST /completions`, as far as types and ranges go. Unknown keys are ignored, null means absent. */
export const CreateCompletionBody = Type.Object({
  model: Type.String(),
  /** A text or token ids; a list of one of either stands for it. */
  prompt: Type.Union([Type.String(), Type.Array(Type.Unknown())]),
  stream: Type.Optional(Type.Boolean()),
  stream_options: Type.Optional(StreamOptions),
  /** 16 where it is left out, as OpenAI has it. */
  max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_INT32 })),
  n: Type.Optional(Type.Integer({ minimum: 1 })),
  best_of: Type.Optional(Type.Integer({ minimum: 1 })),
  suffix: Type.Optional(Type.String()),
  echo: Type.Optional(Type.Boolean()),
  /** How many alternatives to tell the log probabilities of. */
  logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
  ...SAMPLING_FIELDS,
  /** vLLM's: the model's own ends do not end the text. */
  ignore_eos: Type.Optional(Type.Boolean()),
  /** vLLM's: no end before so many tokens. */
  min_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_INT32 })),
  /** vLLM's: the ids beside the text. */
  return_token_ids: Type.Optional(Type.Boolean()),
  skip_special_tokens: Type.Optional(Type.Boolean()),
  response_format: Type.Optional(Type.Unknown()),
  structured_outputs: Type.Optional(Type.Unknown()),
  user: Type.Optional(Type.String()),
});

export type CreateCompletionBody = Static<typeof CreateCompletionBody>;

/** One entry a token. */
export interface CompletionLogprobs {
  text_offset: number[];
  token_logprobs: number[];
  tokens: string[];
  /** The alternatives by what they spell. */
  top_logprobs: Record<string, number>[];
}

export interface CompletionChoice {
  index: 0;
  text: string;
  logprobs: CompletionLogprobs | null;
  finish_reason: 'stop' | 'length' | null;
  token_ids?: number[];
}

export interface Completion {
  id: string;
  object: 'text_completion';
  created: number;
  model: string;
  system_fingerprint: string;
  choices: CompletionChoice[];
  usage: CompletionUsage;
}
