import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/domain/units.ts';
import { readDimensions, readFilter, readPage } from '../../src/ledger/usage-query.ts';

const NOW_MS = Date.parse('2026-03-31T12:00:00Z');

describe('the time of a filter', () => {
  it.each([
    ['7d', NOW_MS - 7 * DAY_MS],
    ['12h', NOW_MS - DAY_MS / 2],
    ['30m', NOW_MS - 30 * 60_000],
    ['999999d', 0],
    ['2026-02-28', Date.parse('2026-02-28T00:00:00Z')],
    ['2026-03-31T08:00Z', NOW_MS - 4 * 3_600_000],
    ['2026-03-31T08:00:00.5+02:00', NOW_MS - 6 * 3_600_000 + 500],
  ])('is read from %s', (text, ms) => {
    expect(readFilter({ since: text }, NOW_MS).sinceMs).toBe(ms);
  });

  it.each(['', '7', '7x', '-7d', 'yesterday', '2026-02-30', '2026-13-01', '2026-03-31T08:00', '1969-12-31', '1e9d'])(
    'is not %j',
    (text) => {
      expect(() => readFilter({ until: text }, NOW_MS)).toThrow(
        expect.objectContaining({ param: 'until', message: expect.stringMatching(/^until is a time ago such as 7d/) }),
      );
    },
  );

  it('does not end before it begins', () => {
    expect(() => readFilter({ since: '1d', until: '2d' }, NOW_MS)).toThrow('until must be later than since.');
    expect(readFilter({}, NOW_MS)).toEqual({ sinceMs: null, untilMs: null, project: null, keyId: null });
  });
});

it('dimensions are a list of known ones, each once', () => {
  expect(readDimensions('project, day')).toEqual(['project', 'day']);
  expect(() => readDimensions('project,colour')).toThrow("such as project,day: 'colour' is none of them.");
  expect(() => readDimensions('day,day')).toThrow("'day' stands there twice.");
  expect(() => readDimensions('')).toThrow("'' is none of them.");
});

it('a page is two whole numbers in their ranges', () => {
  expect(readPage(undefined, undefined)).toEqual({ after: 0, limit: 100 });
  expect(readPage('12', '1000')).toEqual({ after: 12, limit: 1000 });
  expect(() => readPage('-1', undefined)).toThrow('after must be a whole number.');
  expect(() => readPage('9999999999999999', undefined)).toThrow('after must be at most 9007199254740991.');
  expect(() => readPage(undefined, '0')).toThrow('limit must be at least 1.');
  expect(() => readPage(undefined, '1001')).toThrow('limit must be at most 1000.');
  expect(() => readPage(undefined, '1.5')).toThrow('limit must be a whole number.');
});
