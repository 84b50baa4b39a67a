import type { Plan } from '../domain/placement.ts';
import { emptyPlan } from './not-served.ts';

/** An engine elsewhere, as people are told of it. */
export interface RemoteSeat {
  readonly engineId: string;
  readonly host: string;
}

/** No engine of this machine. */
export const PLAN_WITHOUT_ENGINES: Plan = emptyPlan(
  'No engine runs on this machine.',
  'no engine of this machine or elsewhere serves it',
);

/** A plan that says which engines elsewhere answer too, or alone. */
export function withRemotes(plan: Plan, remotes: readonly RemoteSeat[]): Plan {
  if (remotes.length === 0) return plan;
  const names = remotes.map(({ engineId, host }) => `${engineId} (${host})`).join(', ');
  const isAlone = plan.placements.length === 0;
  return {
    ...plan,
    summary: `${plan.summary} ${isAlone ? 'Engines elsewhere answer' : 'Engines elsewhere answer too'}: ${names}.`,
    reasons: [
      ...plan.reasons,
      'An engine elsewhere gets requests once it has told which model it serves and made a token.',
    ],
  };
}
