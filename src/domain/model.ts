import { GiB } from './units.ts';

export type ModelId = 'gpt-oss-20b' | 'gpt-oss-120b';

/** What placement needs to know of a model. Sizes are of the published MXFP4 checkpoints. */
export interface Model {
  readonly id: ModelId;
  /** Hugging Face repository, and the alias under which requests may name it. */
  readonly repository: string;
  readonly layerCount: number;
  /** Size of the root `*.safetensors`: what is downloaded. */
  readonly diskBytes: number;
  /** Weights in GPU memory after loading; more than on disk, because the kernels re-lay the MXFP4 experts. */
  readonly weightBytes: number;
  /** KV cache per token in bf16, full-attention layers only: every second one. */
  readonly kvBytesPerToken: number;
  readonly maxContextTokens: number;
}

/** bf16: 2 (K and V) x 8 heads x 64 dimensions x 2 bytes (config.json of openai/gpt-oss-20b and -120b). */
export const KV_BYTES_PER_TOKEN_AND_LAYER = 2048;

export const MODELS: Readonly<Record<ModelId, Model>> = {
  'gpt-oss-20b': {
    id: 'gpt-oss-20b',
    repository: 'openai/gpt-oss-20b',
    layerCount: 24,
    diskBytes: 12.8 * GiB,
    weightBytes: 12.9 * GiB,
    kvBytesPerToken: 12 * KV_BYTES_PER_TOKEN_AND_LAYER,
    maxContextTokens: 131_072,
  },
  'gpt-oss-120b': {
    id: 'gpt-oss-120b',
    repository: 'openai/gpt-oss-120b',
    layerCount: 36,
    diskBytes: 60.8 * GiB,
    weightBytes: 66 * GiB,
    kvBytesPerToken: 18 * KV_BYTES_PER_TOKEN_AND_LAYER,
    maxContextTokens: 131_072,
  },
};

/** A checkpoint on this machine that is served instead of the published one. */
export interface ModelFolder {
  readonly path: string;
  /** The catalogue model it stands for. */
  readonly model: ModelId;
  /** Sum of its `*.safetensors`. */
  readonly diskBytes: number;
  readonly layerCount: number;
  /** KV cache of one token in one attention layer, in bf16. */
  readonly kvBytesPerTokenAndLayer: number;
  readonly maxContextTokens: number;
  /** Its `config.json` has a `quantization_config`: MXFP4 experts, as published. */
  readonly quantised: boolean;
}

export const MODEL_IDS: readonly ModelId[] = ['gpt-oss-20b', 'gpt-oss-120b'];

/** The catalogue id that a request's `model` means (`openai/…` is an alias), or null for an unknown name. */
export function resolveModelId(name: string): ModelId | null {
  const bare = name.startsWith('openai/') ? name.slice('openai/'.length) : name;
  return MODEL_IDS.find((id) => id === bare) ?? null;
}
