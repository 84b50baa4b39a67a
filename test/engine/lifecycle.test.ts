import { describe, expect, it } from 'vitest';
import type { EngineEffect, EngineEvent, EngineState, Look, Phase, PhaseName } from '../../src/engine/engine-state.ts';
import type { EngineFailure } from '../../src/engine/failures.ts';
import { INITIAL_STATE, transition } from '../../src/engine/lifecycle.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import { FRESH_HISTORY } from '../../src/engine/restart.ts';
import type { Step } from '../../src/engine/steps.ts';
import { beginWatch } from '../../src/engine/work-watch.ts';

const MOMENT = { policy: DEFAULT_POLICY, monotonicMs: 100_000, inPhaseMs: 0, random: 0, watchesMemory: false };
const FACTS = {
  model: 'gpt-oss-20b',
  servedName: 'gpt-oss-20b',
  tokenRoute: 'generate',
  maxModelLen: 4096,
  engineVersion: '0.32.0',
} as const;
const CRASH: EngineFailure = { code: 'crashed', message: 'it crashed', remedy: 'look', retry: 'backoff' };
const STOP = { kind: 'stop' } as const;

const PHASES: { readonly [Name in PhaseName]: Extract<Phase, { phase: Name }> } = {
  idle: { phase: 'idle' },
  starting: { phase: 'starting', tokenProblem: null },
  ready: { phase: 'ready', slowProbes: 0, canaryMisses: 0, work: beginWatch(MOMENT.monotonicMs) },
  unhealthy: { phase: 'unhealthy', cause: 'down', reason: 'refused' },
  draining: { phase: 'draining', drainMs: 30_000, termGraceMs: 10_000 },
  stopping: { phase: 'stopping', intent: STOP, killed: false },
  sweeping: { phase: 'sweeping', intent: { kind: 'unplanned' } },
  backoff: { phase: 'backoff', failure: CRASH, delayMs: 1000, waitsFor: null },
  releasing: { phase: 'releasing' },
  failed: { phase: 'failed', failure: CRASH },
  stopped: { phase: 'stopped' },
};

const looked = (health: Look['health']): { kind: 'looked'; look: Look } => ({
  kind: 'looked',
  look: { health, work: { awaiting: 0, reads: 0, load: null }, canary: false },
});

const EVENTS = {
  start: { kind: 'start_requested' },
  refused: { kind: 'refused', failure: CRASH },
  stop: { kind: 'stop_requested', drainMs: 30_000, termGraceMs: 10_000 },
  kill: { kind: 'kill_requested' },
  token: { kind: 'probed', result: { kind: 'token', facts: FACTS } },
  healthy: { kind: 'probed', result: { kind: 'healthy' } },
  'no token': { kind: 'probed', result: { kind: 'no_token', reason: '500' } },
  slow: { kind: 'probed', result: { kind: 'slow', reason: 'late' } },
  down: { kind: 'probed', result: { kind: 'down', reason: '503' } },
  'looks healthy': looked({ kind: 'healthy' }),
  'looks slow': looked({ kind: 'slow', reason: 'late' }),
  'looks dead': looked({ kind: 'dead', reason: '503' }),
  'looks down': looked({ kind: 'down', reason: 'refused' }),
  'turn given': { kind: 'turn_given' },
  'turn taken': { kind: 'turn_taken', by: 'e1' },
  'memory free': { kind: 'memory_free' },
  'memory held': { kind: 'memory_held', failure: CRASH },
  'timer probe': { kind: 'timer_fired', timer: 'probe' },
  'timer start': { kind: 'timer_fired', timer: 'start' },
  'timer first_token': { kind: 'timer_fired', timer: 'first_token' },
  'timer unhealthy': { kind: 'timer_fired', timer: 'unhealthy' },
  'timer drain': { kind: 'timer_fired', timer: 'drain' },
  'timer kill': { kind: 'timer_fired', timer: 'kill' },
  'timer retry': { kind: 'timer_fired', timer: 'retry' },
  drained: { kind: 'drained' },
  exited: { kind: 'exited' },
  swept: { kind: 'swept', survivors: [], failure: CRASH },
  'swept in vain': { kind: 'swept', survivors: [7], failure: CRASH },
} as const satisfies Record<string, EngineEvent>;

type EventName = keyof typeof EVENTS;

/** Timers that a phase sets; the others never fire in it. */
const TIMERS: Partial<Record<PhaseName, readonly EventName[]>> = {
  starting: ['timer probe', 'timer start', 'timer first_token'],
  ready: ['timer probe'],
  unhealthy: ['timer probe', 'timer unhealthy'],
  draining: ['timer drain'],
  stopping: ['timer kill'],
  backoff: ['timer retry'],
};

const SPAWN = 'starting: spawn, timer start 1800000, timer probe 250';
const KILL = 'stopping: withdraw, close_streams, kill_group, timer kill 10000';
const DRAIN = 'draining: withdraw, await_idle, timer drain 30000';
const SWEEP = 'sweeping: report_death, withdraw, sweep';
const SWEEP_AFTER_STOP = 'sweeping: withdraw, sweep';
const TERMINATE = 'stopping: close_streams, terminate, timer kill 10000';
const TERMINATE_EARLY = 'stopping: close_streams, terminate, timer kill 3000';
const ADMIT = 'ready: admit, timer probe 1000';
const UNHEALTHY = 'unhealthy: withdraw, timer probe 250, timer unhealthy 20000';

/** What each event does in each phase: the phase after it and the effects. An event not named is ignored. */
const TABLE: { readonly [Name in PhaseName]: Partial<Record<EventName, string>> } = {
  idle: { start: SPAWN, refused: 'failed', stop: 'stopped', kill: 'stopped' },
  starting: {
    stop: TERMINATE_EARLY,
    kill: KILL,
    token: ADMIT,
    healthy: 'starting: timer probe 250',
    refused: KILL,
    'no token': 'starting: timer probe 250, timer first_token 120000',
    slow: 'starting: timer probe 250',
    down: 'starting: timer probe 250',
    'timer probe': 'starting: probe_token',
    'timer start': TERMINATE_EARLY,
    'timer first_token': TERMINATE_EARLY,
    exited: SWEEP,
  },
  ready: {
    stop: DRAIN,
    kill: KILL,
    refused: KILL,
    'looks healthy': 'ready: timer probe 1000',
    'looks slow': 'ready: timer probe 1000',
    'looks dead': 'unhealthy: report_death, withdraw, timer probe 250, timer unhealthy 20000',
    'looks down': UNHEALTHY,
    'timer probe': 'ready: look',
    exited: SWEEP,
  },
  unhealthy: {
    stop: DRAIN,
    kill: KILL,
    refused: KILL,
    token: ADMIT,
    healthy: 'unhealthy: timer probe 250',
    'no token': 'unhealthy: timer probe 250',
    slow: 'unhealthy: timer probe 250',
    down: 'unhealthy: timer probe 250',
    'timer probe': 'unhealthy: probe_token',
    'timer unhealthy': TERMINATE,
    exited: SWEEP,
  },
  draining: { kill: KILL, refused: KILL, drained: TERMINATE, 'timer drain': TERMINATE, exited: SWEEP_AFTER_STOP },
  stopping: { stop: 'stopping', kill: KILL, refused: KILL, 'timer kill': KILL, exited: SWEEP_AFTER_STOP },
  sweeping: {
    stop: 'sweeping',
    kill: 'sweeping',
    refused: 'sweeping',
    swept: 'backoff: timer retry 1000',
    'swept in vain': 'failed',
  },
  backoff: {
    start: SPAWN,
    stop: 'stopped',
    kill: 'stopped',
    refused: 'failed',
    'timer retry': 'backoff: ask_turn',
    'turn given': SPAWN,
    'turn taken': 'backoff',
  },
  releasing: {
    stop: 'stopped',
    kill: 'stopped',
    refused: 'failed',
    'memory free': SPAWN,
    'memory held': 'backoff: timer retry 1000',
  },
  failed: { start: SPAWN, refused: 'failed', stop: 'stopped', kill: 'stopped' },
  stopped: { start: SPAWN, refused: 'failed' },
};

const stateIn = (phase: Phase): EngineState => ({ ...phase, generation: 1, history: FRESH_HISTORY, readyAtMs: null });

const summary = (effect: EngineEffect): string =>
  effect.kind === 'set_timer' ? `timer ${effect.timer} ${effect.delayMs}` : effect.kind;

function outcome({ state, effects, ignored }: Step): string {
  if (ignored !== undefined) return 'ignored';
  return effects.length === 0 ? state.phase : `${state.phase}: ${effects.map(summary).join(', ')}`;
}

/** The last state after `events`, from the beginning. */
function after(...events: readonly EngineEvent[]): EngineState {
  return events.reduce((state, event) => transition(state, event, MOMENT).state, INITIAL_STATE);
}

describe('the life of an engine', () => {
  for (const name of Object.keys(PHASES) as PhaseName[]) {
    it(`answers every event while ${name}`, () => {
      const events = (Object.keys(EVENTS) as EventName[]).filter(
        (event) => !event.startsWith('timer') || TIMERS[name]?.includes(event),
      );
      const actual = events.map((event) => [event, outcome(transition(stateIn(PHASES[name]), EVENTS[event], MOMENT))]);
      expect(actual).toEqual(events.map((event) => [event, TABLE[name][event] ?? 'ignored']));
    });
  }

  it('leaves the state alone when it ignores an event, and says why', () => {
    const state = stateIn(PHASES.draining);
    expect(transition(state, EVENTS.start, MOMENT)).toEqual({ state, effects: [], ignored: 'it is being stopped' });
  });

  it('counts the starts', () => {
    const restarted = after(EVENTS.start, EVENTS.token, EVENTS.exited, EVENTS.swept, EVENTS['turn given']);
    expect(restarted).toMatchObject({ phase: 'starting', generation: 2, readyAtMs: null, history: { restarts: 1 } });
  });

  it('takes a replica out of rotation at the third late answer in a row, not before', () => {
    const { start, token, 'looks slow': slow, 'looks healthy': healthy } = EVENTS;
    expect(after(start, token, slow, slow, healthy, slow, slow).phase).toBe('ready');
    expect(after(start, token, slow, slow, slow)).toMatchObject({ phase: 'unhealthy', cause: 'slow', reason: 'late' });
  });

  it('starts the first-token deadline once, at the first token that failed', () => {
    const second = transition(after(EVENTS.start, EVENTS['no token']), EVENTS['no token'], MOMENT);
    expect(outcome(second)).toBe('starting: timer probe 250');
  });

  it('replaces an engine whose token never comes, and says what the engine said', () => {
    const { start, exited, swept } = EVENTS;
    const state = after(start, EVENTS['no token'], EVENTS['timer first_token'], exited, swept);
    const message = 'it answered /health but made no token within 2 min: 500';
    expect(state).toMatchObject({ phase: 'backoff', failure: { code: 'no_token', message } });
  });

  it('does not restart what a stop was asked for, even while it is being replaced', () => {
    const { start, token, 'looks down': down, stop, exited, swept } = EVENTS;
    expect(after(start, token, down, EVENTS['timer unhealthy'], stop, exited, swept).phase).toBe('stopped');
    expect(after(start, exited, stop, swept).phase).toBe('stopped');
  });

  it('drains for no longer than the most hurried of those who stop it asked for', () => {
    const { start, token, stop } = EVENTS;
    const draining = after(start, token, stop);
    const later = { ...MOMENT, inPhaseMs: 20_000 };
    const hurried = transition(draining, { kind: 'stop_requested', drainMs: 4000, termGraceMs: 500 }, later);
    expect(outcome(hurried)).toBe('draining: timer drain 4000');
    expect(hurried.state).toMatchObject({ drainMs: 24_000, termGraceMs: 500 });
    expect(transition(draining, { kind: 'stop_requested', drainMs: 10_000, termGraceMs: 500 }, later).ignored).toBe(
      'it is being stopped',
    );
  });

  it('kills the group when the leader ignores SIGTERM, and looks for survivors when even that fails', () => {
    const killed = after(EVENTS.start, EVENTS.stop, EVENTS['timer kill']);
    expect(killed).toMatchObject({ phase: 'stopping', killed: true });
    expect(outcome(transition(killed, EVENTS['timer kill'], MOMENT))).toBe(SWEEP_AFTER_STOP);
    expect(transition(after(EVENTS.start, EVENTS.exited), EVENTS['swept in vain'], MOMENT).state).toMatchObject({
      phase: 'failed',
      failure: { code: 'unkillable', message: 'its processes cannot be ended: pid 7' },
    });
  });

  it('forgets its failures when it is started by hand after it was given up', () => {
    const never: EngineFailure = { ...CRASH, retry: 'never' };
    const failed = after(EVENTS.start, EVENTS.exited, { kind: 'swept', survivors: [], failure: never });
    expect(failed).toMatchObject({ phase: 'failed', failure: never, history: { lastFailure: never } });
    expect(transition(failed, EVENTS.start, MOMENT).state).toMatchObject({ phase: 'starting', history: FRESH_HISTORY });
  });
});
