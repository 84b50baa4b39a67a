/** The value below which `share` (0 to 1) of the values lie; NaN without any. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => {
  const middle = values.length / 2;
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return values.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

/** Median of the ratios of values that were measured in the same round. */
export const pairedRatio = (values: readonly number[], base: readonly number[]): number =>
  median(values.map((value, index) => value / (base[index] ?? Number.NaN)));
