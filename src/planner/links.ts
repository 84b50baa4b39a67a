import type { Gpu } from '../domain/gpu.ts';

/** The ways between two cards as `nvidia-smi topo -m` names them, fastest first, in words. */
const LINKS: readonly { readonly name: RegExp; readonly words: string }[] = [
  { name: /^NV\d+$/, words: 'NVLink' },
  { name: /^PIX$/, words: 'one PCIe switch' },
  { name: /^PXB$/, words: 'several PCIe switches' },
  { name: /^PHB$/, words: 'the PCIe bridge of the CPU' },
  { name: /^NODE$/, words: 'several PCIe bridges of one CPU' },
  { name: /^SYS$/, words: 'the link between CPUs' },
];
/** What is not known is taken for the usual way on a board. */
const UNKNOWN_RANK = 3;

type Linked = Pick<Gpu, 'index' | 'links'>;

/** The slowest way between any two of these cards. */
export interface WeakestLink {
  /** `NV18`, `PHB`, … */
  readonly name: string;
  readonly words: string;
  readonly isNvlink: boolean;
}

/** How these cards reach each other at worst; null for one card, and where the way between any two is not known. */
export function weakestLink(gpus: readonly Linked[]): WeakestLink | null {
  const names = pairsOf(gpus).map(([a, b]) => linkBetween(a, b));
  const known = names.filter((name) => name !== undefined);
  const [weakest] = known.toSorted((a, b) => rankOf(b) - rankOf(a));
  if (weakest === undefined || known.length < names.length) return null;
  const rank = rankOf(weakest);
  return { name: weakest, words: LINKS[rank]?.words ?? weakest, isNvlink: rank === 0 };
}

/**
 * Cuts cards into groups of `size` that reach each other as fast as possible; what is left over is too few for a group.
 * Where links are equal or not known, neighbours in the given order are joined: they share a board or switch more often
 * than not.
 */
export function groupNeighbours<T>(
  items: readonly T[],
  size: number,
  gpuOf: (item: T) => Linked,
): readonly (readonly T[])[] {
  if (items.length < size) return [];
  const groups = items.map((first) => growGroup(first, { items, size, gpuOf }));
  const cost = (group: readonly T[]): number => groupCost(group.map(gpuOf));
  const best = groups.reduce((least, group) => (cost(group) < cost(least) ? group : least));
  const rest = items.filter((item) => !best.includes(item));
  return [best, ...groupNeighbours(rest, size, gpuOf)];
}

interface Growth<T> {
  readonly items: readonly T[];
  readonly size: number;
  readonly gpuOf: (item: T) => Linked;
}

/** The group that begins with this card and takes the nearest of the others, one after another. */
function growGroup<T>(first: T, { items, size, gpuOf }: Growth<T>): readonly T[] {
  const group = [first];
  while (group.length < size) {
    const others = items.filter((item) => !group.includes(item));
    const cost = (item: T): number => groupCost([...group, item].map(gpuOf));
    group.push(others.reduce((nearest, item) => (cost(item) < cost(nearest) ? item : nearest)));
  }
  return items.filter((item) => group.includes(item));
}

/** The slowest link decides, then how many are slow. */
function groupCost(gpus: readonly Linked[]): number {
  const ranks = pairsOf(gpus).map(([a, b]) => rankOf(linkBetween(a, b)));
  return Math.max(0, ...ranks) * 1000 + ranks.reduce((sum, rank) => sum + rank, 0);
}

function pairsOf(gpus: readonly Linked[]): readonly (readonly [Linked, Linked])[] {
  return gpus.flatMap((a, position) => gpus.slice(position + 1).map((b) => [a, b] as const));
}

const linkBetween = (a: Linked, b: Linked): string | undefined => a.links?.[b.index] ?? b.links?.[a.index];

function rankOf(link: string | undefined): number {
  const rank = LINKS.findIndex(({ name }) => name.test(link ?? ''));
  return rank === -1 ? UNKNOWN_RANK : rank;
}
