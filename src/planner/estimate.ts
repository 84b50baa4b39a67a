import { MODELS, type ModelFolder, type ModelId } from '../domain/model.ts';
import type { MemoryEstimate } from '../domain/placement.ts';
import { GiB } from '../domain/units.ts';

/** What a checkpoint takes, before it is divided over cards. */
export interface Footprint {
  readonly weightBytes: number;
  /** KV cache that grows with every token. */
  readonly kvBytesPerToken: number;
  /** KV cache of the sliding-window layers: the same for a short and a long sequence. */
  readonly slidingBytesPerSequence: number;
  readonly maxContextTokens: number;
}

/** The size of request in which concurrency is counted. */
export const TYPICAL_REQUEST_TOKENS = 8192;

/** gpt-oss alternates full attention with a window of this many tokens (`sliding_window` of its config.json). */
const SLIDING_WINDOW_TOKENS = 128;

/** vLLM's default batch limits grow at this size (1024 sequences and 8192 tokens; below: 256 and 2048). */
const LARGE_CARD_BYTES = 70 * GiB;
/**
 * What vLLM takes beside weights and KV cache: CUDA context, activations and logits of the largest batch, NCCL buffers.
 * With the graphs this gives 7.5 GiB on large cards, which is what gpt-oss-120b on one H100 leaves over in two reports
 * (vllm#23278: -2.14 GiB of KV cache at 0.90; vllm#27508: 1.71 GiB at 0.95), and 4.0 GiB on others, under the 4.4 GiB
 * that gpt-oss-20b with its full context on one L4 allows at most.
 */
const LARGE_CARD_RUNTIME_BYTES = 4.8 * GiB;
const CARD_RUNTIME_BYTES = 1.3 * GiB;
const CUDA_GRAPH_BYTES = 2.7 * GiB;

/** RAM of the three processes of a vLLM engine on the CPU (measured on vLLM 0.32), without weights and KV cache. */
export const CPU_RUNTIME_BYTES = 2.6 * GiB;

/** The footprint on GPUs, of the published checkpoint or of a folder's. */
export function gpuFootprint(id: ModelId, folder?: ModelFolder): Footprint {
  const model = MODELS[id];
  const layerCount = folder?.layerCount ?? model.layerCount;
  const perLayer = folder?.kvBytesPerTokenAndLayer ?? model.kvBytesPerToken / (model.layerCount / 2);
  const halfTheLayers = layerCount / 2;
  return {
    weightBytes: folder ? loadedBytes(folder) : model.weightBytes,
    kvBytesPerToken: halfTheLayers * perLayer,
    slidingBytesPerSequence: halfTheLayers * perLayer * SLIDING_WINDOW_TOKENS,
    maxContextTokens: folder?.maxContextTokens ?? model.maxContextTokens,
  };
}

/** The footprint on the CPU, where vLLM has no hybrid KV cache: every layer keeps every token. */
export function cpuFootprint(id: ModelId, folder?: ModelFolder): Footprint {
  const onGpu = gpuFootprint(id, folder);
  return { ...onGpu, kvBytesPerToken: 2 * onGpu.kvBytesPerToken, slidingBytesPerSequence: 0 };
}

function loadedBytes({ model, diskBytes, quantised }: ModelFolder): number {
  return quantised ? diskBytes * (MODELS[model].weightBytes / MODELS[model].diskBytes) : diskBytes;
}

/** What one card of this size spends on neither weights nor KV cache. */
export function runtimeBytes(cardTotalBytes: number, enforceEager: boolean): number {
  const base = cardTotalBytes >= LARGE_CARD_BYTES ? LARGE_CARD_RUNTIME_BYTES : CARD_RUNTIME_BYTES;
  return base + (enforceEager ? 0 : CUDA_GRAPH_BYTES);
}

/** KV cache that one sequence of this length needs, over all cards of the replica. */
export function kvBytesForContext(footprint: Footprint, contextTokens: number): number {
  return contextTokens * footprint.kvBytesPerToken + footprint.slidingBytesPerSequence;
}

/** Divides a budget: what weights and runtime leave is KV cache, which may come out negative (then nothing fits). */
export function splitBudget(
  footprint: Footprint,
  share: { readonly budgetBytes: number; readonly runtimeBytes: number; readonly cardCount: number },
): MemoryEstimate {
  const weightBytes = footprint.weightBytes / share.cardCount;
  const kvCacheBytes = share.budgetBytes - weightBytes - share.runtimeBytes;
  const replicaKvBytes = Math.max(0, kvCacheBytes * share.cardCount);
  return {
    budgetBytes: Math.round(share.budgetBytes),
    weightBytes: Math.round(weightBytes),
    runtimeBytes: Math.round(share.runtimeBytes),
    kvCacheBytes: Math.round(kvCacheBytes),
    kvCacheTokens: Math.floor(replicaKvBytes / footprint.kvBytesPerToken),
    concurrentRequests: Math.floor(replicaKvBytes / kvBytesForContext(footprint, TYPICAL_REQUEST_TOKENS)),
  };
}
