import type { EngineProfile, MemoryEstimate, Placement } from '../domain/placement.ts';
import { CONTEXT_LADDER, EAGER_MODEL, TIGHT_BATCH_TOKENS, TIGHT_UTILIZATION } from './profiles.ts';

/** Room that a runtime out-of-memory needs outside vLLM's share, as a part of the card; less where that is too much. */
const OUT_OF_MEMORY_STEPS: readonly number[] = [0.03, 0.02, 0.01];

/**
 * The same placement made to ask for less after a start that failed for want of memory, or null when nothing is left to
 * give up or the failure is of another kind: a card that others fill (`gpu_busy`) may be free again at the next start.
 * The codes are those of the engine's diagnosis. `estimatedContextTokens` is the "estimated maximum model length" that
 * vLLM prints beside `context_too_long`. The answer's profile is named `adapted`; what a person pinned is the caller's
 * to compare.
 */
export function adaptProfile(
  placement: Placement,
  failureCode: string,
  estimatedContextTokens: number | null = null,
): Placement | null {
  if (placement.kind !== 'gpu') return null;
  switch (failureCode) {
    case 'context_too_long':
      return withSmallerContext(placement, estimatedContextTokens) ?? withMoreForTheCache(placement);
    case 'no_kv_cache':
      return withMoreForTheCache(placement);
    case 'gpu_out_of_memory':
      return withLessOutsideTheCache(placement);
    default:
      return null;
  }
}

/** The next context of the ladder that vLLM's own estimate allows, when there is one. */
function withSmallerContext(placement: Placement, estimate: number | null): Placement | null {
  const limit = Math.min(placement.profile.maxModelLen - 1, estimate ?? Infinity);
  const maxModelLen = CONTEXT_LADDER.find((contextTokens) => contextTokens <= limit);
  return maxModelLen === undefined ? null : adapted(placement, { maxModelLen });
}

/** More KV cache from the same card: small batches and the largest share first, then no CUDA graphs. */
function withMoreForTheCache(placement: Placement): Placement | null {
  const { maxNumBatchedTokens = Infinity, gpuMemoryUtilization = 0 } = placement.profile;
  if (maxNumBatchedTokens > TIGHT_BATCH_TOKENS) {
    return adapted(placement, {
      maxNumBatchedTokens: TIGHT_BATCH_TOKENS,
      gpuMemoryUtilization: Math.max(gpuMemoryUtilization, TIGHT_UTILIZATION),
    });
  }
  return withoutGraphs(placement);
}

/** What vLLM takes beside its share: small batches and a smaller share first, then no CUDA graphs, then the context. */
function withLessOutsideTheCache(placement: Placement): Placement | null {
  const { maxNumBatchedTokens = Infinity } = placement.profile;
  const smaller = withSmallerShare(placement);
  if (maxNumBatchedTokens > TIGHT_BATCH_TOKENS) {
    return adapted(smaller ?? placement, { maxNumBatchedTokens: TIGHT_BATCH_TOKENS });
  }
  if (placement.model !== EAGER_MODEL) return smaller ?? withSmallerContext(placement, null);
  return withoutGraphs(placement) ?? withSmallerContext(placement, null);
}

/** Null where that was given up already, or never is. */
function withoutGraphs(placement: Placement): Placement | null {
  if (placement.model !== EAGER_MODEL || placement.profile.enforceEager) return null;
  return adapted(placement, { enforceEager: true });
}

/** A smaller share, and the longest context that its KV cache still holds; null where the least step leaves none. */
function withSmallerShare(placement: Placement): Placement | null {
  return OUT_OF_MEMORY_STEPS.map((step) => withShareLess(placement, step)).find((less) => less !== null) ?? null;
}

function withShareLess(placement: Placement, step: number): Placement | null {
  const { gpuMemoryUtilization, maxModelLen } = placement.profile;
  const { memory } = placement;
  if (gpuMemoryUtilization === undefined || memory === undefined) return null;
  const utilization = Math.round((gpuMemoryUtilization - step) * 100) / 100;
  const left = withBudget(memory, memory.budgetBytes * (utilization / gpuMemoryUtilization));
  const context = [maxModelLen, ...CONTEXT_LADDER].find(
    (tokens) => tokens <= Math.min(maxModelLen, left.kvCacheTokens),
  );
  if (context === undefined) return null;
  const next = adapted(placement, { gpuMemoryUtilization: utilization, maxModelLen: context });
  return { ...next, memory: left };
}

/** The estimate for another budget: the KV cache takes the whole difference. */
function withBudget(memory: MemoryEstimate, budgetBytes: number): MemoryEstimate {
  const kvCacheBytes = Math.round(budgetBytes) - memory.weightBytes - memory.runtimeBytes;
  const ratio = Math.max(0, kvCacheBytes) / Math.max(1, memory.kvCacheBytes);
  return {
    ...memory,
    budgetBytes: Math.round(budgetBytes),
    kvCacheBytes,
    kvCacheTokens: Math.floor(memory.kvCacheTokens * ratio),
    concurrentRequests: Math.floor(memory.concurrentRequests * ratio),
  };
}

function adapted(placement: Placement, changes: Partial<EngineProfile>): Placement {
  return { ...placement, profile: { ...placement.profile, ...changes, name: 'adapted' } };
}
