import { expect, it } from 'vitest';
import { newId } from '../../src/responses/ids.ts';

it('an id has its prefix and 48 hexadecimal digits, of which the time are the first twelve', () => {
  expect(newId('resp', 0x18_bcfe_5680)).toMatch(/^resp_0018bcfe5680[0-9a-f]{36}$/);
});

it('ids sort by their time', () => {
  const ids = [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_256, 1_800_000_000_000].map((ms) =>
    newId('msg', ms),
  );
  expect(ids.toSorted()).toEqual(ids);
});

it('no random part comes twice, also from one pool to the next', () => {
  const parts = Array.from({ length: 2000 }, () => newId('rs', 0).slice('rs_'.length + 12));
  expect(new Set(parts).size).toBe(2000);
  expect(parts.filter((part) => /^0{8}|0{8}$/.test(part))).toEqual([]);
});
