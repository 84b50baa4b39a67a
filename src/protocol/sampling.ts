import { Type, type Static, type TObject } from 'typebox';

/** What the engine and its grammar keep counts in. */
export const MAX_INT32 = 2_147_483_647;

/** How to sample, as a body of any API says it: OpenAI's fields and vLLM's extras. */
export const SAMPLING_FIELDS = {
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: Type.Optional(Type.Integer({ minimum: -1, maximum: MAX_INT32 })),
  min_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  repetition_penalty: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 2 })),
  presence_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  seed: Type.Optional(Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })),
  stop: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })])),
  logit_bias: Type.Optional(Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 }))),
  priority: Type.Optional(Type.Integer({ minimum: -MAX_INT32, maximum: MAX_INT32 })),
};

export type SamplingFields = Static<TObject<typeof SAMPLING_FIELDS>>;
