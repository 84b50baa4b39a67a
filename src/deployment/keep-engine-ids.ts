import type { Placement } from '../domain/placement.ts';

/**
 * The next placements under the ids that their seats have: a replica on the same cards keeps its id, so that one which
 * does not change is left alone; one that takes over some of a seat's cards gets that seat's id, so that it waits for
 * them. Others get the first numbers that nobody has. Without cards, the order decides.
 */
export function keepEngineIds(current: readonly Placement[], next: readonly Placement[]): readonly Placement[] {
  const taken = new Map<Placement, string>();
  const give = (isSeatOf: (seat: Placement, placement: Placement) => boolean): void => {
    for (const placement of next) {
      if (taken.has(placement)) continue;
      const free = current.filter(({ engineId }) => ![...taken.values()].includes(engineId));
      const seat = free.find((one) => isSeatOf(one, placement));
      if (seat) taken.set(placement, seat.engineId);
    }
  };
  give((seat, placement) => cardsOf(seat).join() === cardsOf(placement).join());
  give((seat, placement) => cardsOf(seat).some((card) => cardsOf(placement).includes(card)));
  const used = new Set([...current.map(({ engineId }) => engineId), ...taken.values()]);
  return next.map((placement) => ({ ...placement, engineId: taken.get(placement) ?? nextFree(used) }));
}

const cardsOf = ({ gpus }: Placement): readonly string[] => gpus.map(({ uuid }) => uuid).toSorted();

function nextFree(used: Set<string>): string {
  let number = 0;
  while (used.has(`e${number}`)) number++;
  used.add(`e${number}`);
  return `e${number}`;
}
