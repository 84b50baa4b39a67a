import type { ModelId } from '../domain/model.ts';
import type { Rejection } from '../domain/placement.ts';
import { formatCount } from '../domain/units.ts';
import { candidateFor } from './candidate.ts';
import { emptied, roomRemedy, type Card } from './cards.ts';
import type { Seat } from './layout.ts';
import type { PlanRequest } from './request.ts';
import { countOf, gpuList, joinWords, lowerFirst } from './wording.ts';

/** A choice that was made for the planner, and what it says when taking it back would make the model fit. */
interface Pin {
  readonly key: 'contextTokens' | 'gpuMemoryUtilization' | 'tensorParallel';
  readonly code: string;
  readonly reason: (value: number) => string;
  /** The flag with the value that fits. */
  readonly change: (seat: Seat) => string;
}

const PINS: readonly Pin[] = [
  {
    key: 'contextTokens',
    code: 'context_does_not_fit',
    reason: (tokens) => `a context of ${formatCount(tokens)} tokens does not fit on these GPUs`,
    change: ({ profile }) => `--context-tokens ${profile.maxModelLen}`,
  },
  {
    key: 'gpuMemoryUtilization',
    code: 'share_does_not_fit',
    reason: (share) => `${share} of the memory of a card is too little for it, or more than is free`,
    change: ({ profile }) => `--gpu-memory-utilization ${profile.gpuMemoryUtilization}`,
  },
  {
    key: 'tensorParallel',
    code: 'size_does_not_fit',
    reason: (size) => `a replica over ${countOf(size, 'card')} does not fit on these GPUs`,
    change: ({ cards }) => `--tensor-parallel ${cards.length}`,
  },
];

/**
 * The single settings whose change makes a refused model fit, each with the nearest value that does. Where only a change
 * of several does, they are one entry: the fewest that must change together. Where none does, but it would on cards that
 * nothing else uses, both are the change.
 */
export function relaxations(model: ModelId, cards: readonly Card[], request: PlanRequest): Rejection[] {
  const now = relaxationsOn(model, cards, request);
  const shared = cards.filter(({ isShared }) => isShared);
  if (now.length > 0 || shared.length === 0) return now;
  const empty = cards.map((card) => (card.isShared ? emptied(card) : card));
  if (candidateFor(model, empty, request).seats.length > 0) return [];
  return relaxationsOn(model, empty, request).map((rejection) => ({
    ...rejection,
    reason: `${rejection.reason}, least of all while other programs use ${gpuList(shared.map(({ gpu }) => gpu))}`,
    remedy: `${(rejection.remedy ?? '').replace(/\.$/, '')}, and make room: ${lowerFirst(roomRemedy(shared))}`,
  }));
}

function relaxationsOn(model: ModelId, cards: readonly Card[], request: PlanRequest): Rejection[] {
  const pins = PINS.filter(({ key }) => request[key] !== null);
  const relaxed = (freed: readonly Pin[]): Rejection[] => {
    const free = Object.fromEntries(freed.map(({ key }) => [key, null]));
    const [seat] = candidateFor(model, cards, { ...request, ...free }).seats;
    return seat ? [rejectionOf(model, freed, { request, seat })] : [];
  };
  const alone = pins.flatMap((pin) => relaxed([pin]));
  if (alone.length > 0 || pins.length < 2) return alone;
  const pairs = pins.map((kept) => pins.filter((pin) => pin !== kept)).filter(({ length }) => length === 2);
  const [together] = [...pairs, pins].flatMap(relaxed);
  return together ? [together] : [];
}

interface Relaxed {
  readonly request: PlanRequest;
  readonly seat: Seat;
}

function rejectionOf(model: ModelId, freed: readonly Pin[], { request, seat }: Relaxed): Rejection {
  const [only, ...others] = freed;
  const changes = joinWords(freed.map(({ change }) => change(seat)));
  const reasons = freed.map(({ key, reason }) => reason(request[key] ?? 0));
  return {
    subject: model,
    code: only !== undefined && others.length === 0 ? only.code : 'settings_do_not_fit',
    reason: joinWords(reasons),
    remedy: `Use ${changes}.`,
  };
}
