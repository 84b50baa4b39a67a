import { expect, it } from 'vitest';
import { readyAfter, stopped, waitForEngine, type EngineGoal } from '../../src/cli/engine-wait.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import type { EngineReport } from '../../src/gateway/reports.ts';
import { engineStatus } from '../support/engine-status.ts';

const report = (changes: Partial<EngineReport>): EngineReport => ({
  ...engineStatus({ engineId: 'e0', ...changes }),
  inFlight: changes.inFlight ?? 0,
  served: 0,
});

/** Time passes only where it is waited for, and then at once. */
function eagerClock(): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    schedule: (delayMs, callback) => {
      nowMs += delayMs;
      queueMicrotask(callback);
      return () => {};
    },
  };
}

async function follow(reached: EngineGoal['reached'], ...reports: readonly EngineReport[]): Promise<string[]> {
  const printed: string[] = [];
  const rest = [...reports];
  const ask = (): Promise<EngineReport> => Promise.resolve(rest.shift() ?? expect.fail('asked too often'));
  const print = (line: string): void => void printed.push(line);
  await waitForEngine({ reached, drainMs: 30_000 }, { clock: eagerClock(), ask, print });
  return printed;
}

const draining = (inFlight: number): EngineReport => report({ phase: 'draining', inFlight, sentence: 'being stopped' });

it('counts the answers that are still under way, and says each number once', async () => {
  const seen = [draining(3), draining(3), draining(1), report({ phase: 'stopped' })];
  expect(await follow(stopped, ...seen)).toEqual([
    'e0: 3 answers finish (30 s left)',
    'e0: 1 answer finishes (30 s left)',
    'e0: stopped after 750 ms; `chorus start e0` starts it again',
  ]);
});

it('shows a start with what is left of it, until it is a later one than the one that was asked from', async () => {
  const progress = { phase: 'weights', percent: 40, leftMs: 25_000 } as const;
  const seen = [
    report({ phase: 'ready', generation: 4, sentence: 'in rotation' }),
    report({ phase: 'starting', generation: 5, sentence: 'starting for 10 s: loading weights', progress }),
    report({ phase: 'starting', generation: 5, sentence: 'starting for 11 s: loading weights', progress }),
    report({ phase: 'ready', generation: 5 }),
  ];
  expect(await follow(readyAfter(4, 'ready again'), ...seen)).toEqual([
    'e0: in rotation',
    'e0: starting for 10 s: loading weights (40 %, about 25 s left)',
    'e0: ready again after 750 ms',
  ]);
});

it('ends with the reason where the engine does not come: for good with 69, for now with 75', async () => {
  const failed = report({ phase: 'failed', generation: 2, sentence: 'failed: it asks for too much. Ask for less.' });
  const backoff = report({ phase: 'backoff', generation: 2, sentence: 'it ended with code 1; starts again in 2 s' });
  await expect(follow(readyAfter(1, 'ready'), failed)).rejects.toEqual(
    new Refusal('unavailable', 'e0: failed: it asks for too much. Ask for less.'),
  );
  await expect(follow(readyAfter(1, 'ready'), backoff)).rejects.toEqual(
    new Refusal('temporary', 'e0: it ended with code 1; starts again in 2 s. Chorus goes on trying.'),
  );
});
