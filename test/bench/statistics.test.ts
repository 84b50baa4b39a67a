import { expect, it } from 'vitest';
import { median, pairedRatio, quantile } from '../../scripts/bench/statistics.ts';

it('a median is the middle value, or lies between the middle two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 7])).toBe(6);
  expect(median([])).toBeNaN();
});

it('a quantile is one of the values', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([quantile(values, 0), quantile(values, 0.5), quantile(values, 0.99), quantile([3], 0.99)]).toEqual([
    1, 51, 100, 3,
  ]);
  expect(quantile([], 0.5)).toBeNaN();
});

it('a paired ratio compares within rounds, so that a slow round counts for both', () => {
  expect(pairedRatio([20, 40, 22], [10, 20, 10])).toBe(2);
});
