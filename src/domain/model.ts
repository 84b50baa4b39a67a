import { GiB } from './units.ts';

export type ModelId = 'gpt-oss-20b' | 'gpt-oss-120b';

/** What placement needs to know of a model. Sizes are of the published MXFP4 checkpoints. */
export interface Model {
  readonly id: ModelId;
  /** Hugging Face repository, and the alias under which requests may name it. */
  readonly repository: string;
  readonly layerCount: number;
  readonly weightBytes: number;
  /** KV cache per token in bf16, full-attention layers only: 2 (K and V) x 8 heads x 64 x 2 bytes a layer. */
  readonly kvBytesPerToken: number;
  readonly maxContextTokens: number;
}

const KV_BYTES_PER_TOKEN_AND_LAYER = 2048;

export const MODELS: Readonly<Record<ModelId, Model>> = {
  'gpt-oss-20b': {
    id: 'gpt-oss-20b',
    repository: 'openai/gpt-oss-20b',
    layerCount: 24,
    weightBytes: 12.9 * GiB,
    kvBytesPerToken: 12 * KV_BYTES_PER_TOKEN_AND_LAYER,
    maxContextTokens: 131_072,
  },
  'gpt-oss-120b': {
    id: 'gpt-oss-120b',
    repository: 'openai/gpt-oss-120b',
    layerCount: 36,
    weightBytes: 66 * GiB,
    kvBytesPerToken: 18 * KV_BYTES_PER_TOKEN_AND_LAYER,
    maxContextTokens: 131_072,
  },
};

export const MODEL_IDS: readonly ModelId[] = ['gpt-oss-20b', 'gpt-oss-120b'];

/** The catalogue id that a request's `model` means (`openai/…` is an alias), or null for an unknown name. */
export function resolveModelId(name: string): ModelId | null {
  const bare = name.startsWith('openai/') ? name.slice('openai/'.length) : name;
  return MODEL_IDS.find((id) => id === bare) ?? null;
}
