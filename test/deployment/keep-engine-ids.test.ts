import { expect, it } from 'vitest';
import { keepEngineIds } from '../../src/deployment/keep-engine-ids.ts';
import type { Placement } from '../../src/domain/placement.ts';

const seat = (engineId: string, ...cards: number[]): Placement => ({
  engineId,
  kind: cards.length === 0 ? 'simulated' : 'gpu',
  model: 'gpt-oss-20b',
  gpus: cards.map((index) => ({ index, uuid: `GPU-${index}`, name: 'a card' })),
  profile: { name: 'standard', maxModelLen: 8192 },
});

const idsOf = (current: readonly Placement[], next: readonly Placement[]): string[] =>
  keepEngineIds(current, next).map(({ engineId, gpus }) => `${engineId}:${gpus.map(({ index }) => index).join('+')}`);

it('keeps the ids of replicas on the same cards when a card in the middle is gone', () => {
  expect(idsOf([seat('e0', 0), seat('e1', 1), seat('e2', 2)], [seat('e0', 0), seat('e1', 2)])).toEqual([
    'e0:0',
    'e2:2',
  ]);
});

it('gives a replica that takes over cards the id of the seat that has them', () => {
  expect(idsOf([seat('e0', 0, 1), seat('e1', 2, 3)], [seat('e0', 0), seat('e1', 1), seat('e2', 3)])).toEqual([
    'e0:0',
    'e2:1',
    'e1:3',
  ]);
});

it('gives a replica on other cards a number that nobody has had', () => {
  expect(idsOf([seat('e0', 0), seat('e1', 1)], [seat('e0', 0), seat('e1', 5)])).toEqual(['e0:0', 'e2:5']);
});

it('goes by the order where there are no cards', () => {
  expect(idsOf([seat('e0'), seat('e1')], [seat('e0')])).toEqual(['e0:']);
  expect(idsOf([seat('e3')], [seat('e0'), seat('e1')])).toEqual(['e3:', 'e0:']);
});
