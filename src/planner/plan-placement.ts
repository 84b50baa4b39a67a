import type { Inventory } from '../domain/gpu.ts';
import type { Plan } from '../domain/placement.ts';
import { planOnGpus } from './plan-gpu.ts';
import { planOnCpu, planSimulated } from './plan-host.ts';
import type { PlanRequest } from './request.ts';

/**
 * Decides what runs where. Never throws: what does not fit is an answer too, with no placements, a summary that says
 * why, and a rejection with the remedy for everything left out.
 */
export function planPlacement(inventory: Inventory, request: PlanRequest): Plan {
  switch (request.engine) {
    case 'gpu':
      return planOnGpus(inventory, request);
    case 'cpu':
      return planOnCpu(inventory, request);
    case 'simulated':
      return planSimulated(request);
  }
}
