import type { ModelId } from '../domain/model.ts';
import { gpuFootprint, type Footprint } from './estimate.ts';
import type { PlanRequest, RememberedFit } from './request.ts';

/** How many cards a replica may span: what divides 64 query heads and 8 KV heads. */
const TENSOR_PARALLEL_SIZES: readonly number[] = [1, 2, 4, 8];

/** Below this a replica is not worth its memory; agents alone send prompts of 10,000 to 20,000 tokens. */
const LEAST_CONTEXT_TOKENS: Readonly<Record<ModelId, number>> = { 'gpt-oss-20b': 8192, 'gpt-oss-120b': 32_768 };
/** Whoever asks for the larger model by name would rather have it with this than not at all (two A100 of 40 GB). */
const LEAST_CONTEXT_TOKENS_BY_NAME = 16_384;

/** The shortest context that a replica is given where none is asked for; shorter for a model that is asked for by name. */
export function leastContextTokens(model: ModelId, isNamed: boolean): number {
  const least = LEAST_CONTEXT_TOKENS[model];
  return isNamed ? Math.min(least, LEAST_CONTEXT_TOKENS_BY_NAME) : least;
}

/** What one replica of a model asks of its cards, and which choices are already made for it. */
export interface Demand {
  readonly model: ModelId;
  readonly footprint: Footprint;
  /** Numbers of cards that a replica may span, smallest first. */
  readonly sizes: readonly number[];
  /** What is asked for, or null for the longest that fits. */
  readonly contextTokens: number | null;
  /** The shortest that is given where none is asked for. */
  readonly leastContextTokens: number;
  readonly gpuMemoryUtilization: number | null;
  readonly remembered: readonly RememberedFit[];
}

/** The demand of a model under a request. */
export function demandOf(model: ModelId, request: PlanRequest): Demand {
  const { modelFolder, tensorParallel, contextTokens, gpuMemoryUtilization, remembered = [] } = request;
  const isNamed = request.model === model || modelFolder !== undefined;
  return {
    model,
    footprint: gpuFootprint(model, modelFolder),
    sizes: tensorParallel === null ? TENSOR_PARALLEL_SIZES : [tensorParallel],
    contextTokens,
    leastContextTokens: leastContextTokens(model, isNamed),
    gpuMemoryUtilization,
    remembered: remembered.filter((fit) => fit.model === model),
  };
}
