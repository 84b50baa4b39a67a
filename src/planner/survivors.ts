import type { ModelId } from '../domain/model.ts';
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
