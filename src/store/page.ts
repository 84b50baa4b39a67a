import type { ItemPage } from './response-store.ts';

/** Positions in a list, in the page's order, and whether the list goes on behind them. */
export interface PagePositions {
  readonly positions: readonly number[];
  readonly hasMore: boolean;
}

/**
 * Which positions of a list of ids make up a page; null when `after` is not in the list. An id that comes again is left
 * out: a client that pages by ids would go in circles.
 */
export function selectPage(ids: readonly string[], { after, limit, order }: ItemPage): PagePositions | null {
  const firsts = new Map<string, number>();
  for (const [position, id] of ids.entries()) if (!firsts.has(id)) firsts.set(id, position);
  const ordered = order === 'asc' ? [...firsts.values()] : [...firsts.values()].reverse();
  const start = after === null ? 0 : ordered.findIndex((position) => ids[position] === after) + 1;
  if (after !== null && start === 0) return null;
  return { positions: ordered.slice(start, start + limit), hasMore: ordered.length > start + limit };
}
