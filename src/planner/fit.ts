import type { EngineProfile, MemoryEstimate } from '../domain/placement.ts';
import type { Card } from './cards.ts';
import type { Demand } from './demand.ts';
import { kvBytesForContext, runtimeBytes, splitBudget } from './estimate.ts';
import { EAGER_MODEL, TIGHT_BATCH_TOKENS, TIGHT_UTILIZATION } from './profiles.ts';
import { seatName } from './wording.ts';

/** How a replica sits on its cards: launch profile and the memory it leads to, per card. */
export interface Fit {
  readonly profile: EngineProfile;
  readonly memory: MemoryEstimate;
}

interface Mode {
  readonly name: string;
  readonly utilization: number;
  /** Contexts to try, longest first. */
  readonly contextTokens: readonly number[];
  readonly flags: Pick<EngineProfile, 'maxNumBatchedTokens' | 'enforceEager'>;
}

/** In the order of preference: each gives up something for memory. */
const MODES: readonly Mode[] = [
  // vLLM's own default share of the card.
  { name: 'standard', utilization: 0.92, contextTokens: [131_072, 65_536, 32_768], flags: {} },
  // The published way to hold gpt-oss-120b on one 80 GB card (vLLM recipes).
  {
    name: 'tight',
    utilization: TIGHT_UTILIZATION,
    contextTokens: [32_768, 16_384],
    flags: { maxNumBatchedTokens: TIGHT_BATCH_TOKENS },
  },
  // No CUDA graphs: slower tokens, but gpt-oss-20b on a 16 GB card.
  {
    name: 'tight-eager',
    utilization: TIGHT_UTILIZATION,
    contextTokens: [16_384, 8192],
    flags: { maxNumBatchedTokens: TIGHT_BATCH_TOKENS, enforceEager: true },
  },
];

/**
 * vLLM refuses to start when its KV cache holds less than one full context, and the estimate of what it leaves for the
 * cache is a few hundred MiB off either way.
 */
const KV_MARGIN = 1.1;

/**
 * The best profile in which a replica runs on `cardCount` cards like this one, or null. A profile that worked on such
 * cards before wins over the estimate.
 */
export function fitOnCards(demand: Demand, card: Card, cardCount: number): Fit | null {
  // Slices cannot talk to each other.
  if (card.gpu.migSlice !== undefined && cardCount > 1) return null;
  const remembered = fitAsBefore(demand, card, cardCount);
  if (remembered) return remembered;
  for (const mode of MODES) {
    const utilization = utilizationOf(demand, card, mode);
    if (utilization > freeShare(card)) return null;
    const { footprint } = demand;
    const memory = splitBudget(footprint, {
      budgetBytes: utilization * card.totalBytes,
      runtimeBytes: runtimeOf(card, mode.flags),
      cardCount,
    });
    const maxModelLen = contextsOf(mode, demand).find(
      (contextTokens) => KV_MARGIN * kvBytesForContext(footprint, contextTokens) <= memory.kvCacheBytes * cardCount,
    );
    if (maxModelLen !== undefined) {
      return { profile: { name: mode.name, maxModelLen, gpuMemoryUtilization: utilization, ...mode.flags }, memory };
    }
  }
  return null;
}

/** The remembered profile of such cards, if as much is free now and nothing else is asked for. */
function fitAsBefore(demand: Demand, card: Card, cardCount: number): Fit | null {
  const { remembered, footprint, contextTokens, gpuMemoryUtilization } = demand;
  const weightBytes = Math.round(footprint.weightBytes / cardCount);
  const found = remembered.find(
    (fit) => fit.gpuName === seatName(card.gpu) && fit.cardCount === cardCount && fit.weightBytes === weightBytes,
  );
  if (!found || contextTokens !== null || gpuMemoryUtilization !== null) return null;
  const { profile } = found;
  const utilization = profile.gpuMemoryUtilization ?? 1;
  if (utilization > freeShare(card)) return null;
  const memory = splitBudget(footprint, {
    budgetBytes: utilization * card.totalBytes,
    runtimeBytes: runtimeOf(card, profile),
    cardCount,
  });
  return { profile, memory };
}

/** Free memory that each of `cardCount` cards of this size must have for the least demanding profile. */
export function neededFreeBytes(demand: Demand, card: Card, cardCount: number): number {
  const { footprint, gpuMemoryUtilization } = demand;
  const needs = MODES.flatMap((mode) => {
    const contextTokens = contextsOf(mode, demand).at(-1);
    if (contextTokens === undefined) return [];
    const runtime = runtimeOf(card, mode.flags);
    return (footprint.weightBytes + KV_MARGIN * kvBytesForContext(footprint, contextTokens)) / cardCount + runtime;
  });
  return Math.max(Math.min(...needs), (gpuMemoryUtilization ?? 0) * card.totalBytes) + card.reserveBytes;
}

/** A slice gets the batch limits of the whole card, which is what vLLM asks the driver about (vllm#41776). */
function runtimeOf({ gpu, totalBytes }: Card, { enforceEager = false }: Pick<EngineProfile, 'enforceEager'>): number {
  return runtimeBytes(gpu.migSlice === undefined ? totalBytes : Infinity, enforceEager);
}

/**
 * The share of a card that an engine may be given now, in hundredths: vLLM refuses to start when its share of the total
 * is not free (`request_memory` in `v1/worker/utils.py`).
 */
export function freeShare(card: Card): number {
  const available = Math.max(0, card.freeBytes - card.reserveBytes) / card.totalBytes;
  return Math.floor(available * 100) / 100;
}

/** Follows what is free, unless it is given. */
function utilizationOf({ gpuMemoryUtilization }: Demand, card: Card, mode: Mode): number {
  return gpuMemoryUtilization ?? Math.min(mode.utilization, card.maxUtilization, freeShare(card));
}

function contextsOf(mode: Mode, { model, footprint, contextTokens: given, leastContextTokens }: Demand): number[] {
  if (given !== null) {
    const isAllowed = given <= footprint.maxContextTokens && (!mode.flags.enforceEager || model === EAGER_MODEL);
    return isAllowed ? [given] : [];
  }
  const least = Math.min(leastContextTokens, footprint.maxContextTokens);
  const within = mode.contextTokens.map((contextTokens) => Math.min(contextTokens, footprint.maxContextTokens));
  return [...new Set(within)].filter((contextTokens) => contextTokens >= least);
}
