import { expect, it } from 'vitest';
import { calledFunction, HarmonyHistory, messagesUpTo, type HarmonyTurn } from '../../src/client/harmony-history.ts';

const turn = (text: string, before: HarmonyTurn | null, calls: Record<string, string> = {}): HarmonyTurn => ({
  before,
  messages: [{ role: 'user', text }],
  calledFunctions: new Map(Object.entries(calls)),
  date: '2026-03-14',
});
const texts = (last: HarmonyTurn | null): string[] =>
  messagesUpTo(last).map((message) => ('text' in message ? message.text : ''));

it('knows what was said up to each response, forks included', () => {
  const history = new HarmonyHistory();
  const first = turn('a', null, { call_1: 'look' });
  history.remember('r1', first);
  history.remember('r2', turn('b', first));
  history.remember('r3', turn('c', first));
  expect(texts(history.recall('r2'))).toEqual(['a', 'b']);
  expect(texts(history.recall('r3'))).toEqual(['a', 'c']);
  expect(texts(null)).toEqual([]);
  expect(calledFunction(history.recall('r3'), 'call_1')).toBe('look');
  expect(calledFunction(history.recall('r3'), 'call_2')).toBeNull();
});

it('forgets the oldest responses, not what later ones hold of them', () => {
  const history = new HarmonyHistory();
  let last: HarmonyTurn | null = null;
  for (let index = 0; index <= 1000; index++) history.remember(`r${index}`, (last = turn(String(index), last)));
  const kept = 'In harmony mode an LM and its forks know their own last 1000 responses.';
  expect(() => history.recall('r0')).toThrow(`There is no response r0 to go on from. ${kept}`);
  expect(texts(history.recall('r1000'))).toEqual(Array.from({ length: 1001 }, (_, index) => String(index)));
});
