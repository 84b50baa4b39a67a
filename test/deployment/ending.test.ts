import { expect, it } from 'vitest';
import { Ending, drainNoticeMs } from '../../src/deployment/ending.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('gives notice only where somebody watches readiness, and no more than a third of the drain', () => {
  const notices = [Infinity, 30_001, 30_000, 0].map((sinceAskedMs) => drainNoticeMs(sinceAskedMs, 30_000));
  expect(notices).toEqual([0, 0, 5000, 5000]);
  expect(drainNoticeMs(0, 6000)).toBe(2000);
});

it('refuses requests once the notice is over, and counts it as a part of the drain', async () => {
  const clock = new FakeClock();
  const ending = new Ending(clock);
  ending.noteReadinessAsked();
  ending.begin();
  const left = ending.giveNotice(30_000);
  clock.advance(4999);
  expect([ending.isClosing(), ending.isRefusing()]).toEqual([true, false]);
  clock.advance(1);
  expect([await left, ending.isRefusing()]).toEqual([25_000, true]);
});

it('waits for nobody once it is in a hurry', async () => {
  const ending = new Ending(new FakeClock());
  ending.noteReadinessAsked();
  ending.begin();
  const left = ending.giveNotice(30_000);
  ending.hurry();
  expect([await left, ending.isRefusing()]).toEqual([0, true]);
});
