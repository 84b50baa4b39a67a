import type { ModelId } from '../domain/model.ts';
import type { Rejection } from '../domain/placement.ts';
import { formatCount } from '../domain/units.ts';
import { candidateFor } from './candidate.ts';
import type { Card } from './cards.ts';
import type { Seat } from './layout.ts';
import type { PlanRequest } from './request.ts';
import { countOf } from './wording.ts';

/** A choice that was made for the planner, and what it says when taking it back would make the model fit. */
interface Pin {
  readonly key: 'contextTokens' | 'gpuMemoryUtilization' | 'tensorParallel';
  readonly code: string;
  readonly reason: (value: number) => string;
  readonly remedy: (seat: Seat) => string;
}

const PINS: readonly Pin[] = [
  {
    key: 'contextTokens',
    code: 'context_does_not_fit',
    reason: (tokens) => `a context of ${formatCount(tokens)} tokens does not fit on these GPUs`,
    remedy: ({ profile }) => `Use --context-tokens ${profile.maxModelLen}.`,
  },
  {
    key: 'gpuMemoryUtilization',
    code: 'share_does_not_fit',
    reason: (share) => `${share} of the memory of a card is too little for it, or more than is free`,
    remedy: ({ profile }) => `Use --gpu-memory-utilization ${profile.gpuMemoryUtilization}.`,
  },
  {
    key: 'tensorParallel',
    code: 'size_does_not_fit',
    reason: (size) => `a replica over ${countOf(size, 'card')} does not fit on these GPUs`,
    remedy: ({ cards }) => `Use --tensor-parallel ${cards.length}.`,
  },
];

/** The single settings whose change makes a refused model fit, each with the nearest value that does. */
export function relaxations(model: ModelId, cards: readonly Card[], request: PlanRequest): Rejection[] {
  return PINS.flatMap(({ key, code, reason, remedy }) => {
    const value = request[key];
    if (value === null) return [];
    const [seat] = candidateFor(model, cards, { ...request, [key]: null }).seats;
    return seat ? [{ subject: model, code, reason: reason(value), remedy: remedy(seat) }] : [];
  });
}
