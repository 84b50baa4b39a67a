import type { ModelId } from './model.ts';

/** `gpu` and `cpu` are the real vLLM; `simulated` is `src/sim`. */
export type EngineKind = 'gpu' | 'cpu' | 'simulated';

/** What runs on this machine; `none`: engines elsewhere answer alone. */
export type HostEngine = EngineKind | 'none';

/** How one engine is launched so that it fits its seat. Flags left out stay at vLLM's default. */
export interface EngineProfile {
  /** Name for people, such as `standard` or `tight`. */
  readonly name: string;
  /** Context in tokens (`--max-model-len`). */
  readonly maxModelLen: number;
  /** Share of the card's total memory, as CUDA sees it, 0 to 1 (`--gpu-memory-utilization`); GPU engines only. */
  readonly gpuMemoryUtilization?: number;
  readonly maxNumBatchedTokens?: number;
  readonly enforceEager?: boolean;
  /** KV cache in whole GiB (`VLLM_CPU_KVCACHE_SPACE`); CPU engines only. */
  readonly cpuKvCacheGiB?: number;
}

/** One replica's seat: which model runs where, and how. */
export interface Placement {
  /** Stable for the life of the plan: `e0`, `e1`, … */
  readonly engineId: string;
  readonly kind: EngineKind;
  readonly model: ModelId;
  /** The cards of this replica; its tensor-parallel size is their number. Empty without GPUs. */
  readonly gpus: readonly SeatedGpu[];
  readonly profile: EngineProfile;
  /** What the planner expects of the memory; absent for the simulator, which needs none. */
  readonly memory?: MemoryEstimate;
}

/** How one card's share of the memory divides up (on the CPU: one engine's share of RAM). */
export interface MemoryEstimate {
  /** All that the engine may take: the sum of the next three. */
  readonly budgetBytes: number;
  readonly weightBytes: number;
  /** CUDA context, activations, CUDA graphs, communication buffers; on the CPU: the processes themselves. */
  readonly runtimeBytes: number;
  readonly kvCacheBytes: number;
  /** Tokens that the replica's whole KV cache holds. */
  readonly kvCacheTokens: number;
  /** Requests of 8,192 tokens that fit into it side by side. */
  readonly concurrentRequests: number;
}

export interface SeatedGpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  /** One MIG slice, which CUDA finds only where `CUDA_VISIBLE_DEVICES` is not set. */
  readonly isMigSlice?: true;
}

/** Why something is not used, and the smallest change that would use it. */
export interface Rejection {
  /** What was left out: a card (`GPU 0 (Tesla T4)`), a model, or a way to place it. */
  readonly subject: string;
  readonly code: string;
  readonly reason: string;
  readonly remedy?: string;
}

/** The planner's answer. No placements is an answer too: then `summary` says why. */
export interface Plan {
  readonly model: ModelId | null;
  readonly placements: readonly Placement[];
  readonly rejections: readonly Rejection[];
  /** One sentence: what runs, or why nothing does. */
  readonly summary: string;
  /** Sentences that explain the choice, most important first. */
  readonly reasons: readonly string[];
  /** Per catalogue model that is not served, the sentence a client gets. */
  readonly notServed: Readonly<Partial<Record<ModelId, string>>>;
}
