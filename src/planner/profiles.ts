import type { ModelId } from '../domain/model.ts';

/** Context windows that replicas are given, longest first. */
export const CONTEXT_LADDER: readonly number[] = [131_072, 65_536, 32_768, 16_384, 8192];

/** The largest share of a card that an engine is given: the published one for gpt-oss-120b on 80 GB (vLLM recipes). */
export const TIGHT_UTILIZATION = 0.95;

/** Without CUDA graphs the larger model is too slow to be preferred to the smaller one. */
export const EAGER_MODEL: ModelId = 'gpt-oss-20b';

/** Small batches take less memory for activations (vLLM recipes, the same profile). */
export const TIGHT_BATCH_TOKENS = 1024;
