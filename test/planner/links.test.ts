import { describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/domain/gpu.ts';
import { groupNeighbours, weakestLink } from '../../src/planner/links.ts';
import { aGpu, gpus, planFor, seats } from './machines.ts';

/** Cards between which these pairs are linked so; the rest goes by `other`. */
const linked = (cards: readonly Gpu[], pairs: Readonly<Record<string, string>>, other: string): Gpu[] =>
  cards.map((gpu) => {
    const others = cards.filter(({ index }) => index !== gpu.index);
    const link = (index: number) => pairs[`${Math.min(gpu.index, index)}-${Math.max(gpu.index, index)}`] ?? other;
    return { ...gpu, links: Object.fromEntries(others.map(({ index }) => [index, link(index)])) };
  });
const groups = (cards: readonly Gpu[], size: number): number[][] =>
  groupNeighbours(cards, size, (gpu) => gpu).map((group) => group.map(({ index }) => index));

describe('cards are joined', () => {
  const four = gpus(4, 'l40s');
  it.for<[what: string, cards: readonly Gpu[], size: number, expected: number[][]]>([
    [
      'by order where links are not known',
      four,
      2,
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      'by order where links are equal',
      linked(four, {}, 'NV18'),
      2,
      [
        [0, 1],
        [2, 3],
      ],
    ],
    [
      'by NVLink',
      linked(four, { '0-3': 'NV4', '1-2': 'NV4' }, 'PHB'),
      2,
      [
        [0, 3],
        [1, 2],
      ],
    ],
    [
      'on one side of the machine',
      linked(four, { '0-2': 'PXB', '1-3': 'PXB' }, 'SYS'),
      2,
      [
        [0, 2],
        [1, 3],
      ],
    ],
    ['so that the odd one out is the badly linked', linked(gpus(3, 'l40s'), { '1-2': 'NV4' }, 'SYS'), 2, [[1, 2]]],
    [
      'four at a time within a switch',
      linked(
        gpus(8, 'l40s'),
        Object.fromEntries(['0-2', '0-4', '0-6', '2-4', '2-6', '4-6'].map((pair) => [pair, 'PIX'])),
        'SYS',
      ),
      4,
      [
        [0, 2, 4, 6],
        [1, 3, 5, 7],
      ],
    ],
    [
      'so that the slowest way is as fast as possible, before the rest counts',
      linked(
        gpus(5, 'l40s'),
        { '2-3': 'SYS', ...Object.fromEntries(['0-4', '1-4', '2-4', '3-4'].map((pair) => [pair, 'PHB'])) },
        'NV4',
      ),
      4,
      [[0, 1, 2, 4]],
    ],
    ['not at all where they are too few', linked(gpus(1, 'l40s'), {}, 'PHB'), 2, []],
  ])('%s', ([, cards, size, expected]) => {
    expect(groups(cards, size)).toEqual(expected);
  });

  it('that way in a plan', () => {
    expect(seats(planFor(linked(four, { '0-3': 'NV4', '1-2': 'NV4' }, 'PHB')))).toEqual([
      '120b 0+3 standard 131072',
      '120b 1+2 standard 131072',
    ]);
  });
});

describe('the slowest link', () => {
  it.for<[string, Gpu[], unknown]>([
    ['NVLink', linked(gpus(2, 'h100'), {}, 'NV18'), { name: 'NV18', words: 'NVLink', isNvlink: true }],
    [
      'PCIe',
      linked(gpus(4, 'h100'), { '0-1': 'NV4' }, 'PHB'),
      { name: 'PHB', words: 'the PCIe bridge of the CPU', isNvlink: false },
    ],
    ['unknown', gpus(2, 'h100'), null],
    ['unknown where one of the ways is', [...linked(gpus(2, 'h100'), {}, 'NV18'), aGpu('h100', { index: 2 })], null],
    ['none', linked(gpus(1, 'h100'), {}, 'NV18'), null],
  ])('is %s', ([, cards, expected]) => {
    expect(weakestLink(cards)).toEqual(expected);
  });

  it.for<[string, Gpu[], string[]]>([
    ['over NVLink nothing', linked(gpus(4, 'rtx-4090'), {}, 'NV4'), []],
    [
      'over PCIe how they are linked',
      linked(gpus(2, 'l40s'), {}, 'SYS'),
      ['GPUs 0 and 1 exchange data at every token, over the link between CPUs and not NVLink: expect lower speed.'],
    ],
    [
      'where it is not known what matters',
      gpus(4, 'rtx-4090'),
      ['GPUs 0 to 3 exchange data at every token: with NVLink that is fast, over PCIe expect lower speed.'],
    ],
  ])('is a caution of the plan: %s', ([, cards, expected]) => {
    expect(planFor(cards).reasons.filter((reason) => reason.includes('exchange data'))).toEqual(expected);
  });
});
