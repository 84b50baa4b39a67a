import type { EngineEvent, EngineState, Intent, PhaseName, ProbeResult, TimerName } from './engine-state.ts';
import {
  madeNoToken,
  recoveredTooLate,
  startedTooSlowly,
  stoodStill,
  unkillable,
  type EngineFailure,
} from './failures.ts';
import { isCanaryDue, judgeLook } from './judge-look.ts';
import type { EnginePolicy } from './policy.ts';
import { FRESH_HISTORY } from './restart.ts';
import {
  admit,
  begin,
  drain,
  eject,
  enter,
  ignore,
  killGroup,
  restart,
  spawn,
  stay,
  sweep,
  terminate,
  timer,
  type Moment,
  type Step,
} from './steps.ts';

/** Where every engine begins. */
export const INITIAL_STATE: EngineState = { phase: 'idle', generation: 0, history: FRESH_HISTORY, readyAtMs: null };

const STOP: Intent = { kind: 'stop' };

type StateOf<Name extends PhaseName> = Extract<EngineState, { readonly phase: Name }>;
type Handler<Name extends PhaseName> = (state: StateOf<Name>, event: EngineEvent, moment: Moment) => Step;

/**
 * The life of one engine, as a total function: every event in every phase leads to a step, or is ignored with a reason.
 */
export function transition(state: EngineState, event: EngineEvent, moment: Moment): Step {
  const handler = HANDLERS[state.phase] as (state: EngineState, event: EngineEvent, moment: Moment) => Step;
  return handler(state, event, moment);
}

const HANDLERS: { readonly [Name in PhaseName]: Handler<Name> } = {
  idle: atRest,
  starting: whenStarting,
  ready: whenReady,
  unhealthy: whenUnhealthy,
  draining: whenDraining,
  stopping: whenStopping,
  sweeping: whenSweeping,
  backoff: whenBackingOff,
  releasing: whenReleasing,
  failed: atRest,
  stopped: atRest,
};

/** idle, failed, stopped: no process, nothing scheduled. A start that was asked for forgets earlier failures. */
function atRest(state: StateOf<'idle' | 'failed' | 'stopped'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'start_requested':
      return begin({ ...state, history: FRESH_HISTORY }, moment);
    case 'stop_requested':
    case 'kill_requested':
      return state.phase === 'stopped' ? ignore(state, 'it is stopped') : enter(state, { phase: 'stopped' });
    case 'refused':
      return enter(state, { phase: 'failed', failure: event.failure });
    default:
      return ignore(state, 'it has no process');
  }
}

function whenStarting(state: StateOf<'starting'>, event: EngineEvent, moment: Moment): Step {
  const { policy } = moment;
  switch (event.kind) {
    case 'probed':
      return probedWhileStarting(state, event.result, moment);
    case 'timer_fired':
      if (event.timer === 'probe') return stay(state, [{ kind: 'probe_token' }]);
      return terminate(
        state,
        { kind: 'replace', failure: startFailure(state, event.timer, policy) },
        policy.startTermGraceMs,
      );
    case 'stop_requested':
      return terminate(state, STOP, Math.min(policy.startTermGraceMs, event.termGraceMs));
    case 'kill_requested':
    case 'refused':
      return killGroup(state, intentOf(event), policy);
    case 'exited':
      return sweep(state, { kind: 'unplanned' });
    default:
      return ignore(state, 'it is starting');
  }
}

function probedWhileStarting(state: StateOf<'starting'>, result: ProbeResult, moment: Moment): Step {
  if (result.kind === 'token') return admit(state, result.facts, moment);
  const again = timer('probe', moment.policy.startProbeIntervalMs);
  if (result.kind !== 'no_token') return stay(state, [again]);
  const first = state.tokenProblem === null ? [timer('first_token', moment.policy.firstTokenDeadlineMs)] : [];
  return stay({ ...state, tokenProblem: result.reason }, [again, ...first]);
}

function startFailure({ tokenProblem }: StateOf<'starting'>, late: TimerName, policy: EnginePolicy): EngineFailure {
  return late === 'first_token'
    ? madeNoToken(policy.firstTokenDeadlineMs, tokenProblem ?? 'it did not say why')
    : startedTooSlowly(policy.startDeadlineMs);
}

function whenReady(state: StateOf<'ready'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'looked':
      return judgeLook(state, event.look, moment);
    case 'timer_fired':
      return stay(state, [{ kind: 'look', canary: isCanaryDue(state.work, moment), knownReads: state.work.reads }]);
    case 'stop_requested':
      return drain(state, event);
    case 'kill_requested':
    case 'refused':
      return killGroup(state, intentOf(event), moment.policy);
    case 'exited':
      return sweep(state, { kind: 'unplanned' });
    default:
      return ignore(state, 'it is ready');
  }
}

function whenUnhealthy(state: StateOf<'unhealthy'>, event: EngineEvent, moment: Moment): Step {
  const { policy } = moment;
  const { cause, reason } = state;
  switch (event.kind) {
    case 'probed':
      if (event.result.kind === 'token') return admit(state, event.result.facts, moment);
      return stay(state, [timer('probe', policy.startProbeIntervalMs)]);
    case 'timer_fired': {
      if (event.timer === 'probe') return stay(state, [{ kind: 'probe_token' }]);
      const failure = cause === 'stalled' ? stoodStill(reason) : recoveredTooLate(reason);
      return terminate(state, { kind: 'replace', failure }, policy.termGraceMs);
    }
    case 'stop_requested':
      return drain(state, event);
    case 'kill_requested':
    case 'refused':
      return killGroup(state, intentOf(event), policy);
    case 'exited':
      return sweep(state, { kind: 'unplanned' });
    default:
      return ignore(state, 'it is waited for');
  }
}

function whenDraining(state: StateOf<'draining'>, event: EngineEvent, { policy }: Moment): Step {
  switch (event.kind) {
    case 'drained':
    case 'timer_fired':
      return terminate(state, STOP, state.termGraceMs);
    case 'kill_requested':
    case 'refused':
      return killGroup(state, intentOf(event), policy);
    case 'exited':
      return sweep(state, STOP);
    default:
      return ignore(state, 'it is being stopped');
  }
}

function whenStopping(state: StateOf<'stopping'>, event: EngineEvent, { policy }: Moment): Step {
  switch (event.kind) {
    case 'timer_fired':
      // Killed and still no exit: the sweep finds out which processes hang in the kernel.
      return state.killed ? sweep(state, state.intent) : killGroup(state, state.intent, policy);
    case 'stop_requested':
      return stay({ ...state, intent: STOP }, []);
    case 'kill_requested':
    case 'refused': {
      const intent = intentOf(event);
      return state.killed ? stay({ ...state, intent }, []) : killGroup(state, intent, policy);
    }
    case 'exited':
      return sweep(state, state.intent);
    default:
      return ignore(state, 'it is being stopped');
  }
}

function whenSweeping(state: StateOf<'sweeping'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'swept':
      if (event.survivors.length > 0) return enter(state, { phase: 'failed', failure: unkillable(event.survivors) });
      return afterSweep(state, event.failure, moment);
    case 'stop_requested':
      return stay({ ...state, intent: STOP }, []);
    case 'kill_requested':
    case 'refused':
      return stay({ ...state, intent: intentOf(event) }, []);
    default:
      return ignore(state, 'its processes are being ended');
  }
}

function afterSweep(state: StateOf<'sweeping'>, failure: EngineFailure, moment: Moment): Step {
  switch (state.intent.kind) {
    case 'stop':
      return enter(state, { phase: 'stopped' });
    case 'give_up':
      return enter(state, { phase: 'failed', failure: state.intent.failure });
    case 'replace':
      return restart(state, state.intent.failure, moment);
    case 'unplanned':
      return restart(state, failure, moment);
  }
}

function whenBackingOff(state: StateOf<'backoff'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'timer_fired':
      return stay(state, [{ kind: 'ask_turn' }]);
    case 'turn_taken':
      if (event.by === state.waitsFor) return ignore(state, 'it knows');
      return stay({ ...state, waitsFor: event.by }, []);
    case 'turn_given':
    case 'start_requested':
      return begin(state, moment);
    case 'stop_requested':
    case 'kill_requested':
      return enter(state, { phase: 'stopped' });
    case 'refused':
      return enter(state, { phase: 'failed', failure: event.failure });
    default:
      return ignore(state, 'it has no process');
  }
}

function whenReleasing(state: StateOf<'releasing'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'memory_free':
      return spawn(state, moment);
    case 'memory_held':
      return restart(state, event.failure, moment);
    case 'stop_requested':
    case 'kill_requested':
      return enter(state, { phase: 'stopped' });
    case 'refused':
      return enter(state, { phase: 'failed', failure: event.failure });
    default:
      return ignore(state, 'it has no process');
  }
}

/** Why its group is killed. */
function intentOf(event: Extract<EngineEvent, { kind: 'kill_requested' | 'refused' }>): Intent {
  return event.kind === 'refused' ? { kind: 'give_up', failure: event.failure } : STOP;
}
