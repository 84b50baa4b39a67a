import { expect, it } from 'vitest';
import { ControlLoop } from '../../src/metrics/control-loop.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const state = { isBroken: false, rounds: 0, failures: [] as unknown[] };
  const control = new ControlLoop({
    clock,
    round: () => {
      state.rounds++;
      if (state.isBroken) throw new Error('the supervision is broken');
    },
    onFailure: (error) => state.failures.push(error),
  });
  return { clock, state, control };
}

it('makes a round at once and then every second until it is stopped', () => {
  const { clock, state, control } = setUp();
  control.start();
  clock.advance(3000);
  control.stop();
  clock.advance(5000);
  expect(state).toMatchObject({ rounds: 4, failures: [] });
  expect(clock.pendingTimers).toBe(0);
});

it('counts as stale when its rounds fail, and tells the first failure', () => {
  const { clock, state, control } = setUp();
  control.start();
  state.isBroken = true;
  clock.advance(10_000);
  expect(control.isAlive()).toBe(true);
  clock.advance(1000);
  expect(state).toMatchObject({ rounds: 12, failures: [new Error('the supervision is broken')] });
  expect(control.isAlive()).toBe(false);
  state.isBroken = false;
  clock.advance(1000);
  expect(control.isAlive()).toBe(true);
});

it('counts as stale when its timer does not come', () => {
  const { clock, control } = setUp();
  control.start();
  control.stop();
  clock.advance(10_001);
  expect(control.sinceRoundMs()).toBe(10_001);
  expect(control.isAlive()).toBe(false);
});
