import { formatCount } from '../domain/units.ts';
import type { Card } from './cards.ts';
import type { Demand } from './demand.ts';
import type { Footprint } from './estimate.ts';
import { fitOnCards, type Fit } from './fit.ts';
import { groupNeighbours } from './links.ts';
import { joinWords } from './wording.ts';

/** The cards of one replica, and how it fits on them. */
export interface Seat extends Fit {
  readonly cards: readonly Card[];
}

/** From this context on a larger group of cards is not worth its second half. */
const ROOMY_CONTEXT_TOKENS = 65_536;

/**
 * `roomy` joins cards until a replica has room for long contexts and many requests; `dense` seats as many replicas as
 * fit at all.
 */
export type Preference = 'roomy' | 'dense';

/** Seats as many replicas as the preference allows. Cards are only joined with equal ones; each is used once. */
export function layOut(demand: Demand, cards: readonly Card[], preference: Preference): readonly Seat[] {
  return groupEqualCards(cards)
    .flatMap((group) => seatGroup(demand, group, preference))
    .sort(byCards);
}

function seatGroup(demand: Demand, group: readonly Card[], preference: Preference): Seat[] {
  const seats: Seat[] = [];
  let rest = group;
  const passes = preference === 'roomy' ? [isRoomy, () => true] : [() => true];
  for (const accepts of passes) {
    for (const size of demand.sizes) {
      const suitable = rest.filter((card) => {
        const fit = fitOnCards(demand, card, size);
        return fit !== null && accepts(fit, demand.footprint);
      });
      const added = seatsOf(demand, suitable, size);
      seats.push(...added);
      const taken = new Set(added.flatMap((seat) => seat.cards));
      rest = rest.filter((card) => !taken.has(card));
    }
  }
  return seats;
}

/** A group is planned for the card of it that has least to spare. */
function seatsOf(demand: Demand, cards: readonly Card[], size: number): Seat[] {
  return groupNeighbours(cards, size, ({ gpu }) => gpu).flatMap((joined): Seat[] => {
    const scarcest = joined.reduce((least, card) => (spareBytes(card) < spareBytes(least) ? card : least));
    const fit = fitOnCards(demand, scarcest, size);
    return fit ? [{ cards: joined, ...fit }] : [];
  });
}

/** The order of seats: that of their first cards. */
export const byCards = (a: Seat, b: Seat): number => lowestIndex(a) - lowestIndex(b);

/** Long context at vLLM's default settings: joining more cards would gain little. */
export function isRoomy(fit: Fit, footprint: Footprint): boolean {
  const wanted = Math.min(ROOMY_CONTEXT_TOKENS, footprint.maxContextTokens);
  return fit.profile.name === 'standard' && fit.profile.maxModelLen >= wanted;
}

/** `131,072`, or `131,072 or 32,768` where the seats differ. */
export function contextsOf(seats: readonly Seat[]): string {
  const contexts = new Set(seats.map(({ profile }) => profile.maxModelLen));
  return joinWords([...contexts].sort((a, b) => b - a).map(formatCount), 'or');
}

/** Cards of one name, capability and size, those without a display first. */
export function groupEqualCards(cards: readonly Card[]): readonly (readonly Card[])[] {
  const groups = Map.groupBy(cards, ({ gpu }) => `${gpu.name}|${gpu.computeCapability}|${gpu.totalBytes}`);
  return [...groups.values()].map((group) =>
    group.toSorted((a, b) => Number(a.isShared) - Number(b.isShared) || a.gpu.index - b.gpu.index),
  );
}

const spareBytes = (card: Card): number => card.freeBytes - card.reserveBytes;
const lowestIndex = (seat: Seat): number => Math.min(...seat.cards.map(({ gpu }) => gpu.index));
