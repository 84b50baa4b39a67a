import type { ModelId } from '../domain/model.ts';
import type { Rejection } from '../domain/placement.ts';
import { formatBytes, formatCount } from '../domain/units.ts';
import type { Candidate } from './candidate.ts';
import { leastContextTokens } from './demand.ts';
import { emptied, roomRemedy, type Card } from './cards.ts';
import { fitOnCards, neededFreeBytes } from './fit.ts';
import { groupEqualCards } from './layout.ts';
import type { PlanRequest } from './request.ts';
import { countOf, gpuLabel, joinWords, otherProcesses } from './wording.ts';

/** The smallest cards on which one replica fits: what a person would have to buy or rent. */
const SMALLEST_CARD: Readonly<Record<ModelId, string>> = {
  'gpt-oss-20b': 'one card with 16 GB or more',
  'gpt-oss-120b': 'one card with 80 GB or more',
};

/** Why this candidate is not the one that runs. Empty where the cards' own rejections say it all. */
export function rejectCandidate(candidate: Candidate, cards: readonly Card[], request: PlanRequest): Rejection[] {
  const { model, maxReplicas } = candidate;
  if (maxReplicas > 0) {
    return [
      {
        subject: model,
        code: 'too_many_replicas',
        reason: `${countOf(Number(request.replicas), 'replica')} of it do not fit on these GPUs, ${maxReplicas} would`,
        remedy: `Use --replicas ${maxReplicas}.`,
      },
    ];
  }
  const nearest = nearestGroup(candidate, cards);
  return nearest ? [rejectOnGroup(candidate, nearest)] : [];
}

/** Why each of the cards without a seat has none. */
export function rejectUnusedCards(candidate: Candidate, cards: readonly Card[], request: PlanRequest): Rejection[] {
  const seated = new Set(candidate.seats.flatMap((seat) => seat.cards));
  const unused = cards.filter((card) => !seated.has(card));
  const isLimited = request.replicas !== 'auto' && candidate.seats.length > 0;
  return groupEqualCards(unused)
    .flatMap((group) => group.map((card) => ({ card, rejection: rejectCard(candidate, card, { group, isLimited }) })))
    .sort((a, b) => a.card.gpu.index - b.card.gpu.index)
    .map(({ rejection }) => rejection);
}

interface Leftovers {
  /** The unused cards that are equal to this one, itself included. */
  readonly group: readonly Card[];
  /** The number of replicas was given. */
  readonly isLimited: boolean;
}

function rejectCard(candidate: Candidate, card: Card, { group, isLimited }: Leftovers): Rejection {
  const { model } = candidate;
  const subject = gpuLabel(card.gpu);
  const sizeNow = cardsNeeded(candidate, card);
  const sizeEmpty = cardsNeeded(candidate, emptied(card));
  if (isLimited && sizeNow !== null) {
    return { subject, code: 'not_needed', reason: 'the given number of replicas needs no more cards' };
  }
  if (sizeEmpty !== null && sizeEmpty <= group.length && (sizeNow === null || sizeEmpty < sizeNow)) {
    return { subject, code: 'memory_in_use', ...inUse(candidate, card, sizeEmpty) };
  }
  const size = sizeNow ?? sizeEmpty;
  if (size !== null) {
    const missing = size - group.length;
    return {
      subject,
      code: 'no_equal_card',
      reason: `a replica of ${model} takes ${size} cards of this kind, and ${leftOver(group.length)}`,
      remedy: missing > 0 ? completion(missing, model) : 'Free the same amount of memory on each of them.',
    };
  }
  const needed = formatBytes(neededFreeBytes(candidate, card, 1));
  return {
    subject,
    code: 'memory_too_small',
    reason: `${model} needs ${needed} free on one card, and this one has ${formatBytes(card.freeBytes)}`,
    remedy: `Use ${SMALLEST_CARD[model]}.`,
  };
}

/** Adding cards is advice only while it is a few; beyond that a larger card is. */
function completion(missing: number, model: ModelId): string {
  return `${missing <= 3 ? `Add ${missing} more, or use` : 'Use'} ${SMALLEST_CARD[model]}.`;
}

const leftOver = (count: number): string => (count === 1 ? 'only this one is left' : `${count} are left`);

function inUse(candidate: Candidate, card: Card, cardCount: number): Pick<Rejection, 'reason' | 'remedy'> {
  const used = formatBytes(card.totalBytes - card.freeBytes);
  const user = card.gpu.displayActive ? 'a display or other processes' : otherProcesses(card.gpu);
  const needed = formatBytes(neededFreeBytes(candidate, card, cardCount));
  return {
    reason: `${user} hold ${used} of it; ${candidate.model} needs ${needed} free, ${formatBytes(card.freeBytes)} are`,
    remedy: roomRemedy([card]),
  };
}

/** On how many such cards a replica fits, or null for none of the possible numbers. */
function cardsNeeded(candidate: Candidate, card: Card): number | null {
  return candidate.sizes.find((size) => fitOnCards(candidate, card, size) !== null) ?? null;
}

/** The equal cards on which the model comes closest to fitting. */
function nearestGroup(candidate: Candidate, cards: readonly Card[]): readonly Card[] | null {
  const missing = (group: readonly Card[]): number => {
    const needed = Math.min(...group.map((card) => cardsNeeded(candidate, emptied(card)) ?? Infinity));
    return needed - group.length;
  };
  return groupEqualCards(cards).toSorted((a, b) => missing(a) - missing(b))[0] ?? null;
}

function rejectOnGroup(candidate: Candidate, group: readonly Card[]): Rejection {
  const { model, footprint } = candidate;
  const card = group.reduce((least, next) => (next.freeBytes < least.freeBytes ? next : least));
  const needed = cardsNeeded(candidate, emptied(card));
  const base = { subject: model, code: 'does_not_fit' };
  const weights = formatBytes(footprint.weightBytes);
  if (needed === null) {
    const reason = `its weights are ${weights}, which no group of these cards holds`;
    return { ...base, reason, remedy: `Use ${SMALLEST_CARD[model]}.` };
  }
  if (needed <= group.length) {
    const { reason, remedy } = inUse(candidate, card, needed);
    return { ...base, reason: `of ${gpuLabel(card.gpu)}, ${reason}`, ...(remedy === undefined ? {} : { remedy }) };
  }
  const byName = contextByName(candidate, card, group.length);
  if (byName !== null) {
    return {
      ...base,
      reason:
        `${group.length} cards like the ${card.gpu.name} leave it a context of ${formatCount(byName)} tokens, too little to ` +
        `be chosen unasked`,
      remedy: `If that is enough: --model ${model}.`,
    };
  }
  const share = formatBytes(footprint.weightBytes / needed);
  const kind = countOf(needed, 'card');
  return {
    ...base,
    reason:
      `its weights of ${weights} take ${kind} like the ${card.gpu.name} ` +
      `(${share} each), and there ${group.length === 1 ? 'is' : 'are'} ${group.length}`,
    remedy: completion(needed - group.length, model),
  };
}

/** The context that it would have on so many such cards for somebody who asks for it by name; null for none. */
function contextByName(candidate: Candidate, card: Card, cardCount: number): number | null {
  const named = { ...candidate, leastContextTokens: leastContextTokens(candidate.model, true) };
  const sizes = named.sizes.filter((size) => size <= cardCount).toReversed();
  const fits = sizes.flatMap((size) => fitOnCards(named, card, size) ?? []);
  return fits[0]?.profile.maxModelLen ?? null;
}

/** One sentence about a request for more replicas than fit. */
export function tooManySentence(candidates: readonly Candidate[], replicas: number): string {
  const limits = candidates.filter(({ maxReplicas }) => maxReplicas > 0);
  const most = limits.map(({ model, maxReplicas }) => `${maxReplicas} of ${model}`);
  return `${countOf(replicas, 'replica')} do not fit: at most ${joinWords(most, 'or')}.`;
}
