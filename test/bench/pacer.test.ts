import { expect, it } from 'vitest';
import { Pacer } from '../../scripts/bench/pacer.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('a pacer calls each member once an interval, at its own phase, until it leaves', () => {
  const clock = new FakeClock(0);
  const pacer = new Pacer(clock, 20, () => {});
  const calls: string[] = [];
  const leaveA = pacer.add({ advance: (nowMs) => calls.push(`a ${nowMs}`) > 0 });
  clock.advance(5);
  const leaveB = pacer.add({ advance: (nowMs) => calls.push(`b ${nowMs}`) > 0 });
  clock.advance(40);
  leaveA();
  leaveA();
  clock.advance(20);
  leaveB();
  expect(calls).toEqual(['a 20', 'b 25', 'a 40', 'b 45', 'b 65']);
  expect(clock.pendingTimers).toBe(0);
});

it('a late pacer calls each member once, however much it missed, with a rest after each that sent something', async () => {
  let nowMs = 0;
  let tick = (): void => {};
  const schedule = (_: number, callback: () => void): (() => void) => {
    tick = callback;
    return () => {};
  };
  const calls: string[] = [];
  const pacer = new Pacer({ nowMs: () => nowMs, monotonicMs: () => nowMs, schedule }, 20, () => calls.push('rest'));
  const { promise: allCalled, resolve } = Promise.withResolvers<void>();
  for (const name of ['a', 'idle', 'b', 'c']) {
    const advance = (atMs: number): boolean => {
      if (name === 'idle') return false;
      if (calls.push(`${name} ${atMs}`) === 5) resolve();
      return true;
    };
    pacer.add({ advance });
    nowMs += 5;
  }
  nowMs = 95;
  tick();
  expect(calls).toEqual(['a 95', 'rest']);
  await allCalled;
  expect(calls).toEqual(['a 95', 'rest', 'b 95', 'rest', 'c 95']);
  nowMs = 101;
  tick();
  expect(calls.slice(5)).toEqual(['a 101']);
});
