import { describe, expect, it } from 'vitest';
import type { EngineEvent, EngineState } from '../../src/engine/engine-state.ts';
import type { EngineFailure } from '../../src/engine/failures.ts';
import { INITIAL_STATE, transition } from '../../src/engine/lifecycle.ts';
import { lifecycleEvent } from '../../src/engine/lifecycle-event.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';

const CRASH: EngineFailure = { code: 'crashed', message: 'it crashed', remedy: 'look', retry: 'backoff' };
const CARD: EngineFailure = {
  code: 'xid_79',
  message: 'GPU 0 has fallen off the bus',
  remedy: 'reset',
  retry: 'never',
};
const FACTS = {
  model: 'gpt-oss-20b',
  servedName: 'gpt-oss-20b',
  tokenRoute: 'generate',
  maxModelLen: 4096,
  engineVersion: '0.32.0',
} as const;

const START: EngineEvent = { kind: 'start_requested' };
const TOKEN: EngineEvent = { kind: 'probed', result: { kind: 'token', facts: FACTS } };
const DOWN: EngineEvent = {
  kind: 'looked',
  look: {
    health: { kind: 'down', reason: '/health says 503' },
    canary: false,
    work: { awaiting: 0, reads: 0, load: null },
  },
};
const EXIT: EngineEvent = { kind: 'exited' };
const SWEPT: EngineEvent = { kind: 'swept', survivors: [], failure: CRASH };
const STOP: EngineEvent = { kind: 'stop_requested', drainMs: 0, termGraceMs: 0 };

/** What is told while these events come, each a second after the one before, without what is the same in all. */
function told(...events: readonly EngineEvent[]): object[] {
  let state: EngineState = INITIAL_STATE;
  return events.flatMap((event) => {
    const before = state;
    const moment = { policy: DEFAULT_POLICY, monotonicMs: 0, inPhaseMs: 0, random: 0, watchesMemory: false };
    state = transition(before, event, moment).state;
    const said = lifecycleEvent('e0', before, state, { atMs: 5, inPhaseMs: 1000 });
    if (said === null) return [];
    expect(said).toMatchObject({ engineId: 'e0', generation: state.generation, atMs: 5 });
    const { engineId: _, generation: __, atMs: ___, ...words } = said;
    return [words];
  });
}

const BEGIN = [{ kind: 'started' }, { kind: 'ready', startMs: 1000 }];
const crashWords = { failureClass: 'crash', code: 'crashed', reason: 'it crashed' };

describe('what is told of an engine', () => {
  it('is its start, its ejection with the reason, and its recovery', () => {
    expect(told(START, TOKEN, DOWN, TOKEN)).toEqual([
      ...BEGIN,
      { kind: 'ejected', cause: 'down', reason: '/health says 503' },
      { kind: 'recovered', outMs: 1000 },
    ]);
  });

  it('is its end while it served, once, and when it starts again', () => {
    expect(told(START, TOKEN, EXIT, SWEPT)).toEqual([
      ...BEGIN,
      { kind: 'ejected', cause: 'ended', reason: 'its process ended' },
      { kind: 'restarting', delayMs: 1000, ...crashWords },
    ]);
    expect(told(START, TOKEN, DOWN, EXIT, SWEPT).filter((event) => 'cause' in event)).toHaveLength(1);
  });

  it('is that it is given up, with the class of the failure', () => {
    const never: EngineEvent = { ...SWEPT, failure: { ...CRASH, code: 'unknown_flag', retry: 'never' } };
    expect(told(START, EXIT, never)).toEqual([
      { kind: 'started' },
      { kind: 'failed', failureClass: 'config', code: 'unknown_flag', reason: 'it crashed' },
    ]);
  });

  it('is that its card was taken from it', () => {
    expect(told(START, TOKEN, { kind: 'refused', failure: CARD }, EXIT, SWEPT)).toEqual([
      ...BEGIN,
      { kind: 'ejected', cause: 'cordoned', reason: 'GPU 0 has fallen off the bus' },
      { kind: 'failed', failureClass: 'gpu_lost', code: 'xid_79', reason: 'GPU 0 has fallen off the bus' },
    ]);
  });

  it('is nothing about a stop that was asked for', () => {
    expect(told(START, TOKEN, STOP, { kind: 'drained' }, EXIT, SWEPT)).toEqual(BEGIN);
  });
});
