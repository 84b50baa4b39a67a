import type { ModelId } from '../domain/model.ts';
import type { Placement } from '../domain/placement.ts';
import type { Card } from './cards.ts';
import type { Seat } from './layout.ts';
import type { PlanRequest } from './request.ts';

/** The seats of the replicas of this model that go on as they are, on the cards that they have. */
export function seatsOfSurvivors(model: ModelId, cards: readonly Card[], { survivors = [] }: PlanRequest): Seat[] {
  return survivors.flatMap((placement) => {
    const { gpus, profile, memory } = placement;
    const own = gpus.flatMap(({ uuid }) => cards.find(({ gpu }) => gpu.uuid === uuid) ?? []);
    const isWhole = placement.model === model && own.length === gpus.length;
    return isWhole && memory !== undefined ? [{ cards: own, profile, memory }] : [];
  });
}

/** Gives seats their ids: a survivor keeps its own, the others take the lowest numbers that are free. */
export function engineIdsOf(seats: readonly Seat[], { survivors = [] }: PlanRequest): readonly string[] {
  const known = seats.map((seat) => survivors.find((placement) => isSeatOf(placement, seat))?.engineId);
  const used = new Set(known);
  let next = 0;
  return known.map((id) => {
    if (id !== undefined) return id;
    while (used.has(`e${next}`)) next += 1;
    next += 1;
    return `e${next - 1}`;
  });
}

function isSeatOf({ gpus }: Placement, { cards }: Seat): boolean {
  return gpus.length === cards.length && gpus.every(({ uuid }) => cards.some(({ gpu }) => gpu.uuid === uuid));
}
