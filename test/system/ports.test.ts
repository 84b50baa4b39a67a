import { describe, expect, it } from 'vitest';
import { portBlock } from '../../src/system/ports.ts';

describe('port blocks', () => {
  it('follow one another without overlap, below the range for outgoing connections', () => {
    const usual = { first: 32_768, last: 60_999 };
    expect([0, 1, 2].map((slot) => portBlock(slot, usual))).toEqual([21_000, 21_200, 21_400]);
  });

  it('lie above that range when it begins low', () => {
    expect([0, 1].map((slot) => portBlock(slot, { first: 10_000, last: 50_000 }))).toEqual([50_001, 50_201]);
  });

  it('lie inside it when there is no room elsewhere', () => {
    expect(portBlock(1, { first: 1024, last: 65_535 })).toBe(21_200);
  });
});
