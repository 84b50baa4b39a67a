import { describe, expect, it } from 'vitest';
import type { EngineState, Look } from '../../src/engine/engine-state.ts';
import { INITIAL_STATE, transition } from '../../src/engine/lifecycle.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import type { Step } from '../../src/engine/steps.ts';

const FACTS = {
  model: 'gpt-oss-20b',
  servedName: 'gpt-oss-20b',
  tokenRoute: 'generate',
  maxModelLen: 4096,
  engineVersion: '0.32.0',
} as const;
const SLOW: Look['health'] = { kind: 'slow', reason: 'it did not answer within 5 s' };
const HEALTHY: Look['health'] = { kind: 'healthy' };

/** An engine in rotation, looked at every second. */
class Patient {
  state: EngineState = INITIAL_STATE;
  #nowMs = 0;

  constructor() {
    this.#step({ kind: 'start_requested' });
    this.#step({ kind: 'probed', result: { kind: 'token', facts: FACTS } });
  }

  /** Gives what was decided. */
  look(health: Look['health'], work: Partial<Look['work']> = {}, canary = false): Step {
    this.#nowMs += 1000;
    const idle = { awaiting: 0, reads: 0, load: null };
    return this.#step({ kind: 'looked', look: { health, canary, work: { ...idle, ...work } } });
  }

  /** How it is looked at next. */
  nextLook(): unknown {
    return this.#step({ kind: 'timer_fired', timer: 'probe' }).effects[0];
  }

  wait(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  #step(event: Parameters<typeof transition>[1]): Step {
    const moment = { policy: DEFAULT_POLICY, monotonicMs: this.#nowMs, inPhaseMs: 0, random: 0, watchesMemory: false };
    const step = transition(this.state, event, moment);
    this.state = step.state;
    return step;
  }
}

/** Its phase, after `count` looks that show the same. */
function phaseAfter(count: number, ...[health, work]: Parameters<Patient['look']>): string {
  const patient = new Patient();
  for (let n = 0; n < count; n++) patient.look(health, work);
  return patient.state.phase;
}

describe('an engine in rotation', () => {
  it('that answers late three times in a row while nothing moves is out', () => {
    expect([phaseAfter(2, SLOW), phaseAfter(3, SLOW)]).toEqual(['ready', 'unhealthy']);
  });

  it('that answers late because it is busy stays: its streams move', () => {
    const patient = new Patient();
    for (let n = 1; n <= 100; n++) patient.look(SLOW, { awaiting: 8, reads: n });
    expect(patient.state.phase).toBe('ready');
  });

  it('whose requests stand still is out at the deadline, its streams are ended, and it has seconds to recover', () => {
    const patient = new Patient();
    const deadlineLooks = DEFAULT_POLICY.stallDeadlineMs / 1000;
    for (let n = 1; n < deadlineLooks; n++) patient.look(HEALTHY, { awaiting: 2 });
    expect(patient.state.phase).toBe('ready');
    const reason = 'it made no progress for 60 s, with 2 requests in flight, although its /health says 200';
    expect(patient.look(HEALTHY, { awaiting: 2 })).toEqual({
      state: expect.objectContaining({ phase: 'unhealthy', cause: 'stalled', reason }) as unknown,
      effects: [
        { kind: 'withdraw', reason },
        { kind: 'close_streams', cause: 'stalled', reason },
        { kind: 'set_timer', timer: 'probe', delayMs: 250 },
        { kind: 'set_timer', timer: 'unhealthy', delayMs: 5000 },
      ],
    });
  });

  it('that is idle for a minute is asked for a token, and then left in peace for another', () => {
    const patient = new Patient();
    patient.look(HEALTHY);
    expect(patient.nextLook()).toEqual({ kind: 'look', canary: false, knownReads: 0 });
    patient.wait(DEFAULT_POLICY.canaryIdleMs);
    expect(patient.nextLook()).toEqual({ kind: 'look', canary: true, knownReads: 0 });
    patient.look({ kind: 'token', facts: FACTS }, {}, true);
    expect(patient.nextLook()).toEqual({ kind: 'look', canary: false, knownReads: 0 });
  });

  it('that serves is never asked for a token of its own', () => {
    const patient = new Patient();
    patient.look(HEALTHY, { awaiting: 1 });
    patient.wait(10 * DEFAULT_POLICY.canaryIdleMs);
    expect(patient.nextLook()).toMatchObject({ canary: false });
  });

  it('that owes two canaries in a row is out, and at once when it says that it cannot', () => {
    const patient = new Patient();
    patient.look(SLOW, {}, true);
    expect(patient.state.phase).toBe('ready');
    patient.look(SLOW, {}, true);
    expect(patient.state).toMatchObject({
      phase: 'unhealthy',
      cause: 'no_token',
      reason: 'idle, it was asked for one token: it did not answer within 5 s',
    });
    const other = new Patient();
    other.look({ kind: 'no_token', reason: 'the first token failed: 500' }, {}, true);
    expect(other.state).toMatchObject({ phase: 'unhealthy', cause: 'no_token', reason: 'the first token failed: 500' });
  });

  it('whose canary is late because requests have come meanwhile stays', () => {
    const patient = new Patient();
    for (let n = 1; n <= 10; n++) patient.look(SLOW, { awaiting: 5, reads: n }, true);
    expect(patient.state.phase).toBe('ready');
  });
});
