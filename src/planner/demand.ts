import type { ModelId } from '../domain/model.ts';
import { gpuFootprint, type Footprint } from './estimate.ts';
import type { PlanRequest, RememberedFit } from './request.ts';

/** How many cards a replica may span: what divides 64 query heads and 8 KV heads. */
const TENSOR_PARALLEL_SIZES: readonly number[] = [1, 2, 4, 8];

/** What one replica of a model asks of its cards, and which choices are already made for it. */
export interface Demand {
  readonly model: ModelId;
  readonly footprint: Footprint;
  /** Numbers of cards that a replica may span, smallest first. */
  readonly sizes: readonly number[];
  readonly contextTokens: number | null;
  readonly gpuMemoryUtilization: number | null;
  readonly remembered: readonly RememberedFit[];
}

/** The demand of a model under a request. */
export function demandOf(model: ModelId, request: PlanRequest): Demand {
  const { modelFolder, tensorParallel, contextTokens, gpuMemoryUtilization, remembered = [] } = request;
  return {
    model,
    footprint: gpuFootprint(model, modelFolder),
    sizes: tensorParallel === null ? TENSOR_PARALLEL_SIZES : [tensorParallel],
    contextTokens,
    gpuMemoryUtilization,
    remembered: remembered.filter((fit) => fit.model === model),
  };
}
