import type { ModelId } from '../domain/model.ts';
import type { Card } from './cards.ts';
import { demandOf, type Demand } from './demand.ts';
import { layOut, type Seat } from './layout.ts';
import type { PlanRequest } from './request.ts';
import { seatsOfSurvivors } from './survivors.ts';

/** A model that may be placed, and where its replicas would go. */
export interface Candidate extends Demand {
  /** As many as were asked for; empty when that many do not fit. */
  readonly seats: readonly Seat[];
  /** What `replicas: auto` gives. */
  readonly preferredSeats: readonly Seat[];
  /** The most that fit at all. */
  readonly maxReplicas: number;
}

/** Lays a model out on the cards, and takes as many seats as were asked for. */
export function candidateFor(model: ModelId, cards: readonly Card[], request: PlanRequest): Candidate {
  const demand = demandOf(model, request);
  const kept = seatsOfSurvivors(model, cards, request);
  const taken = new Set(kept.flatMap((seat) => seat.cards));
  const free = cards.filter((card) => !taken.has(card));
  const dense = layOut(demand, free, 'dense');
  // One 80 GB card starves gpt-oss-120b of KV cache: two H100 serve 2.5 times as much as a pair than one does alone
  // (GPUStack's measurements). gpt-oss-20b gains nothing from a second card.
  const preferred = model === 'gpt-oss-120b' ? layOut(demand, free, 'roomy') : dense;
  return {
    ...demand,
    seats: [...kept, ...addedSeats(request, kept.length, [preferred, dense])],
    preferredSeats: [...kept, ...preferred],
    maxReplicas: kept.length + dense.length,
  };
}

/** What the survivors are short of the number that was asked for: all of it or none, unless fewer are enough. */
function addedSeats(
  { replicas, areFewerEnough = false }: PlanRequest,
  keptCount: number,
  [preferred, dense]: readonly [readonly Seat[], readonly Seat[]],
): readonly Seat[] {
  if (replicas === 'auto') return preferred;
  const wanted = Math.max(0, replicas - keptCount);
  return takeSeats(areFewerEnough ? Math.min(wanted, dense.length) : wanted, [preferred, dense]);
}

/** The best seats of the first layout that has enough, in their order. */
function takeSeats(replicas: number, layouts: readonly (readonly Seat[])[]): readonly Seat[] {
  const seats = layouts.find(({ length }) => length >= replicas) ?? [];
  const sharedCards = ({ cards }: Seat): number => cards.filter(({ isShared }) => isShared).length;
  const best = seats.toSorted(
    (a, b) => b.memory.kvCacheTokens - a.memory.kvCacheTokens || sharedCards(a) - sharedCards(b),
  );
  const taken = new Set(best.slice(0, replicas));
  return seats.filter((seat) => taken.has(seat));
}
