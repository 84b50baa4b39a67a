import { describe, expect, it } from 'vitest';
import type { EngineFailure } from '../../src/engine/failures.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import { decideRestart, FRESH_HISTORY, type RestartDecision, type RestartHistory } from '../../src/engine/restart.ts';

const policy = DEFAULT_POLICY.restart;
const CRASH: EngineFailure = { code: 'crashed', message: 'it crashed', remedy: 'look', retry: 'backoff' };
const COLLISION: EngineFailure = { ...CRASH, code: 'address_in_use', retry: 'at_once' };

function decide(failure: EngineFailure, history: RestartHistory = FRESH_HISTORY, random = 0): RestartDecision {
  return decideRestart({ failure, history, servedMs: null, random }, policy);
}

/** The decisions over `count` failures in a row. */
function inARow(failure: EngineFailure, count: number): RestartDecision[] {
  const decisions: RestartDecision[] = [];
  for (let n = 0; n < count; n++) decisions.push(decide(failure, decisions.at(-1)?.history));
  return decisions;
}

const delays = (decisions: readonly RestartDecision[]): (number | string)[] =>
  decisions.map((decision) => (decision.kind === 'retry' ? decision.delayMs : decision.kind));

describe('restarts', () => {
  it('wait twice as long after each failure in a row, and end after five', () => {
    const decisions = inARow(CRASH, 5);
    expect(delays(decisions)).toEqual([1000, 2000, 4000, 8000, 'give_up']);
    expect(decisions.at(-1)).toEqual({
      kind: 'give_up',
      failure: { ...CRASH, message: 'given up after 5 failures in a row; the last: it crashed' },
      history: { ...FRESH_HISTORY, failuresInARow: 5, restarts: 4, lastFailure: CRASH },
    });
  });

  it('never wait longer than the longest delay', () => {
    const patient = { ...policy, maxFailuresInARow: 100 };
    const history = { ...FRESH_HISTORY, failuresInARow: 20 };
    expect(decideRestart({ failure: CRASH, history, servedMs: null, random: 0 }, patient)).toMatchObject({
      delayMs: 60_000,
    });
  });

  it('are spread over half of the delay by chance', () => {
    const history = { ...FRESH_HISTORY, failuresInARow: 2 };
    expect(delays([decide(CRASH, history, 0), decide(CRASH, history, 0.5), decide(CRASH, history, 0.999)])).toEqual([
      4000, 3000, 2002,
    ]);
  });

  it('count from one again after ten minutes of serving, not before', () => {
    const history = { ...FRESH_HISTORY, failuresInARow: 3, restarts: 3 };
    const after = (servedMs: number): RestartDecision =>
      decideRestart({ failure: CRASH, history, servedMs, random: 0 }, policy);
    expect(after(599_999)).toMatchObject({ delayMs: 8000 });
    expect(after(600_000)).toEqual({
      kind: 'retry',
      failure: CRASH,
      delayMs: 1000,
      history: { failuresInARow: 1, freeRetries: 0, hasServed: true, restarts: 4, lastFailure: CRASH },
    });
  });

  it('come at once and uncounted after a collision, three times in a row', () => {
    const decisions = inARow(COLLISION, 5);
    expect(delays(decisions)).toEqual([0, 0, 0, 1000, 2000]);
    expect(decisions[2]?.history).toEqual({ ...FRESH_HISTORY, freeRetries: 3, restarts: 3, lastFailure: COLLISION });
  });

  it('do not follow a failure that would repeat itself', () => {
    const failure: EngineFailure = { ...CRASH, retry: 'never' };
    expect(decide(failure)).toEqual({
      kind: 'give_up',
      failure,
      history: { ...FRESH_HISTORY, lastFailure: failure },
    });
  });

  it('go on at the longest delay, and say how often, for an engine that was ready once', () => {
    const history = { ...FRESH_HISTORY, failuresInARow: 4, restarts: 4, hasServed: true };
    expect(decide(CRASH, history)).toEqual({
      kind: 'retry',
      failure: { ...CRASH, message: '5 failures in a row; the last: it crashed' },
      delayMs: 60_000,
      history: { ...history, failuresInARow: 5, restarts: 5, lastFailure: CRASH },
    });
    expect(decide(CRASH, { ...history, failuresInARow: 999 })).toMatchObject({ kind: 'retry', delayMs: 60_000 });
  });

  it('follow a crash while serving whatever its log says, and then end at a start that cannot succeed', () => {
    const failure: EngineFailure = { ...CRASH, retry: 'never' };
    const crashed = decideRestart({ failure, history: FRESH_HISTORY, servedMs: 1, random: 0 }, policy);
    expect(crashed).toMatchObject({ kind: 'retry', delayMs: 1000, history: { hasServed: true } });
    expect(decide(failure, crashed.history)).toMatchObject({ kind: 'give_up', failure });
  });
});
