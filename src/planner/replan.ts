import type { GpuFault, Inventory } from '../domain/gpu.ts';
import type { Plan } from '../domain/placement.ts';
import { planPlacement } from './plan-placement.ts';
import type { PlanRequest } from './request.ts';

/** The machine with every card that has such a fault marked as out of service: planning leaves it out and says why. */
export function withCordons(inventory: Inventory, faults: readonly GpuFault[]): Inventory {
  const cordons = new Map(faults.map(({ uuid, code, reason, remedy }) => [uuid, { code, reason, remedy }]));
  const gpus = inventory.gpus.map((gpu) => {
    const cordon = cordons.get(gpu.uuid);
    return cordon === undefined ? gpu : { ...gpu, cordon };
  });
  return { ...inventory, gpus };
}

/**
 * The plan for the cards that are left, from the plan that was made when all were well (and the inventory and request of
 * that time): replicas without a faulty card stay where they are, under their ids; what is free beside them is used as
 * far as it serves the same model. Where no replica is left, the cards that are get the largest model that fits them.
 * Without faults it is the plan itself, so that a card that has recovered brings the old order back.
 */
export function replan(
  plan: Plan,
  { inventory, request }: { readonly inventory: Inventory; readonly request: PlanRequest },
  faults: readonly GpuFault[],
): Plan {
  if (request.engine !== 'gpu' || faults.length === 0) return plan;
  const faulty = new Set(faults.map(({ uuid }) => uuid));
  const survivors = plan.placements.filter(({ gpus }) => !gpus.some(({ uuid }) => faulty.has(uuid)));
  return planPlacement(withCordons(inventory, faults), { ...request, survivors });
}
