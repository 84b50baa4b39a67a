import type {
  EjectionCause,
  EngineEffect,
  EngineState,
  Intent,
  Phase,
  ReplicaFacts,
  TimerName,
} from './engine-state.ts';
import type { EngineFailure } from './failures.ts';
import type { EnginePolicy } from './policy.ts';
import { decideRestart } from './restart.ts';
import { beginWatch } from './work-watch.ts';

/** What a decision may depend on besides state and event. */
export interface Moment {
  readonly policy: EnginePolicy;
  readonly monotonicMs: number;
  /** How long the present phase lasts. */
  readonly inPhaseMs: number;
  /** Uniform in [0, 1). */
  readonly random: number;
  /** Its cards' memory can be looked at, so that it is before each start. */
  readonly watchesMemory: boolean;
}

export interface Step {
  readonly state: EngineState;
  readonly effects: readonly EngineEffect[];
  /** Why nothing happened, when nothing did. */
  readonly ignored?: string;
}

/** A start is due: as soon as its cards are free. */
export function begin(state: EngineState, moment: Moment): Step {
  return moment.watchesMemory ? enter(state, { phase: 'releasing' }, [{ kind: 'await_memory' }]) : spawn(state, moment);
}

/** A new process, and the deadline by which it must be ready. */
export function spawn(state: EngineState, { policy }: Moment): Step {
  const next = { ...state, generation: state.generation + 1, readyAtMs: null };
  return enter(next, { phase: 'starting', tokenProblem: null }, [
    { kind: 'spawn' },
    timer('start', policy.startDeadlineMs),
    timer('probe', policy.startProbeIntervalMs),
  ]);
}

/** It made a token: into rotation. */
export function admit(state: EngineState, facts: ReplicaFacts, { policy, monotonicMs }: Moment): Step {
  const next = { ...state, readyAtMs: state.readyAtMs ?? monotonicMs };
  return enter(next, { phase: 'ready', slowProbes: 0, canaryMisses: 0, work: beginWatch(monotonicMs) }, [
    { kind: 'admit', facts },
    timer('probe', policy.healthIntervalMs),
  ]);
}

/**
 * Out of rotation until it makes a token again. Its streams go on, since they may be what it is busy with; those of a
 * stalled engine are ended, so that they go on elsewhere.
 */
export function eject(state: EngineState, cause: EjectionCause, reason: string, policy: EnginePolicy): Step {
  const stalled = cause === 'stalled';
  return enter(state, { phase: 'unhealthy', cause, reason }, [
    { kind: 'withdraw', reason },
    ...(stalled ? [{ kind: 'close_streams', cause: 'stalled', reason } as const] : []),
    timer('probe', policy.startProbeIntervalMs),
    timer('unhealthy', stalled ? policy.stallRecoveryMs : policy.unhealthyDeadlineMs),
  ]);
}

/** Out of rotation; its streams have `drainMs` to end by themselves. */
export function drain(state: EngineState, { drainMs, termGraceMs }: { drainMs: number; termGraceMs: number }): Step {
  return enter(state, { phase: 'draining', drainMs, termGraceMs }, [
    { kind: 'withdraw', reason: 'it is being stopped' },
    { kind: 'await_idle' },
    timer('drain', drainMs),
  ]);
}

/** Whoever asks what the engine was running when it died, or hung for good, need not wait for the end of its server. */
export function withDeath({ state, effects }: Step): Step {
  return { state, effects: [{ kind: 'report_death' }, ...effects] };
}

/** Streams are closed first: one that is open across SIGTERM hangs vLLM and its reader. */
export function terminate(state: EngineState, intent: Intent, graceMs: number): Step {
  return enter(state, { phase: 'stopping', intent, killed: false }, [
    closeStreams(intent),
    { kind: 'terminate' },
    timer('kill', graceMs),
  ]);
}

/** SIGKILL to the whole group, whatever is in flight. */
export function killGroup(state: EngineState, intent: Intent, policy: EnginePolicy): Step {
  return enter(state, { phase: 'stopping', intent, killed: true }, [
    { kind: 'withdraw', reason: endReason(intent) },
    closeStreams(intent),
    { kind: 'kill_group' },
    timer('kill', policy.killGraceMs),
  ]);
}

/** The leader is gone: what it left behind goes too. */
export function sweep(state: EngineState, intent: Intent): Step {
  return enter(state, { phase: 'sweeping', intent }, [
    ...(intent.kind === 'unplanned' ? [{ kind: 'report_death' } as const] : []),
    { kind: 'withdraw', reason: endReason(intent) },
    { kind: 'sweep' },
  ]);
}

/** Everything is gone after a failure: start again later, or give up. */
export function restart(state: EngineState, failure: EngineFailure, { policy, monotonicMs, random }: Moment): Step {
  const servedMs = state.readyAtMs === null ? null : monotonicMs - state.readyAtMs;
  const decision = decideRestart({ failure, history: state.history, servedMs, random }, policy.restart);
  const next = { ...state, history: decision.history, readyAtMs: null };
  if (decision.kind === 'give_up') return enter(next, { phase: 'failed', failure: decision.failure });
  const { failure: told, delayMs } = decision;
  return enter(next, { phase: 'backoff', failure: told, delayMs, waitsFor: null }, [timer('retry', delayMs)]);
}

function closeStreams(intent: Intent): EngineEffect {
  return { kind: 'close_streams', cause: intent.kind === 'stop' ? 'closed' : 'stalled', reason: endReason(intent) };
}

function endReason(intent: Intent): string {
  switch (intent.kind) {
    case 'stop':
      return 'it is being stopped';
    case 'replace':
    case 'give_up':
      return intent.failure.message;
    case 'unplanned':
      return 'its process ended';
  }
}

/** Sets a timer of the coming phase; one of the same name is replaced. */
export function timer(timer: TimerName, delayMs: number): EngineEffect {
  return { kind: 'set_timer', timer, delayMs };
}

/** A new phase: what belonged to the old one is dropped. */
export function enter(state: EngineState, phase: Phase, effects: readonly EngineEffect[] = []): Step {
  const { generation, history, readyAtMs } = state;
  return { state: { ...phase, generation, history, readyAtMs }, effects };
}

/** The same phase goes on. */
export function stay(state: EngineState, effects: readonly EngineEffect[]): Step {
  return { state, effects };
}

/** Nothing happens, for this reason. */
export function ignore(state: EngineState, reason: string): Step {
  return { state, effects: [], ignored: reason };
}
