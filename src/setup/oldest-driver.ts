import type { Inventory } from '../domain/gpu.ts';

/** The lowest driver version among the cards, such as `570.86.15`; null when none tells it. */
export function oldestDriver({ gpus }: Pick<Inventory, 'gpus'>): string | null {
  const versions = gpus.flatMap(({ driverVersion }) => driverVersion ?? []);
  return versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))[0] ?? null;
}
