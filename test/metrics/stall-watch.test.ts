import { expect, it } from 'vitest';
import { StallWatch } from '../../src/metrics/stall-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** A clock whose timers come `lateMs` too late. */
class LateClock extends FakeClock {
  lateMs = 0;

  override schedule(delayMs: number, callback: () => void): () => void {
    return super.schedule(delayMs + this.lateMs, callback);
  }
}

it('tells of pauses of 200 ms and longer, how long each was, and of no shorter ones', () => {
  const clock = new LateClock();
  const pauses: number[] = [];
  const watch = new StallWatch(clock, (durationMs) => pauses.push(durationMs));
  for (const lateMs of [0, 100, 174, 175, 1000]) {
    clock.lateMs = lateMs;
    watch.start();
    clock.lateMs = 0;
    clock.advance(50 + lateMs);
    watch.stop();
  }
  expect(pauses).toEqual([200, 1025]);
  expect(clock.pendingTimers).toBe(0);
});
