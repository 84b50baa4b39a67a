import type { EngineEvent, EngineState, PhaseName, ProbeResult, TimerName } from './engine-state.ts';
import { madeNoToken, recoveredTooLate, startedTooSlowly, unkillable, type EngineFailure } from './failures.ts';
import type { EnginePolicy } from './policy.ts';
import { FRESH_HISTORY } from './restart.ts';
import {
  admit,
  drain,
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
  failed: atRest,
  stopped: atRest,
};

/** idle, failed, stopped: no process, nothing scheduled. A start that was asked for forgets earlier failures. */
function atRest(state: StateOf<'idle' | 'failed' | 'stopped'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'start_requested':
      return spawn({ ...state, history: FRESH_HISTORY }, moment);
    case 'stop_requested':
    case 'kill_requested':
      return state.phase === 'stopped' ? ignore(state, 'it is stopped') : enter(state, { phase: 'stopped' });
    case 'refused':
      return enter(state, { phase: 'failed', failure: event.failure });
    case 'probed':
    case 'timer_fired':
    case 'drained':
    case 'exited':
    case 'swept':
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
      return terminate(state, { kind: 'stop' }, Math.min(policy.startTermGraceMs, event.termGraceMs));
    case 'kill_requested':
      return killGroup(state, { kind: 'stop' }, policy);
    case 'exited':
      return sweep(state, { kind: 'unplanned' });
    case 'start_requested':
    case 'drained':
    case 'swept':
    case 'refused':
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

function whenReady(state: StateOf<'ready'>, event: EngineEvent, { policy }: Moment): Step {
  switch (event.kind) {
    case 'probed':
      return probedWhileReady(state, event.result, policy);
    case 'timer_fired':
      return stay(state, [{ kind: 'probe_health' }]);
    case 'stop_requested':
      return drain(state, event);
    case 'kill_requested':
      return killGroup(state, { kind: 'stop' }, policy);
    case 'exited':
      return sweep(state, { kind: 'unplanned' });
    case 'start_requested':
    case 'drained':
    case 'swept':
    case 'refused':
      return ignore(state, 'it is ready');
  }
}

/** A watch over progress (tokens that do not move) belongs here: its result is one more reason to be unhealthy. */
function probedWhileReady(state: StateOf<'ready'>, result: ProbeResult, policy: EnginePolicy): Step {
  const slowProbes = result.kind === 'slow' ? state.slowProbes + 1 : 0;
  const well = result.kind === 'token' || result.kind === 'healthy';
  if (well || (result.kind === 'slow' && slowProbes < policy.slowProbeLimit)) {
    return stay({ ...state, slowProbes }, [timer('probe', policy.healthIntervalMs)]);
  }
  return enter(state, { phase: 'unhealthy', reason: result.reason }, [
    { kind: 'withdraw', reason: result.reason },
    timer('probe', policy.startProbeIntervalMs),
    timer('unhealthy', policy.unhealthyDeadlineMs),
  ]);
}

function whenUnhealthy(state: StateOf<'unhealthy'>, event: EngineEvent, moment: Moment): Step {
  const { policy } = moment;
  switch (event.kind) {
    case 'probed':
      if (event.result.kind === 'token') return admit(state, event.result.facts, moment);
      return stay(state, [timer('probe', policy.startProbeIntervalMs)]);
    case 'timer_fired':
      if (event.timer === 'probe') return stay(state, [{ kind: 'probe_token' }]);
      return terminate(state, { kind: 'replace', failure: recoveredTooLate(state.reason) }, policy.termGraceMs);
    case 'stop_requested':
      return drain(state, event);
    case 'kill_requested':
      return killGroup(state, { kind: 'stop' }, policy);
    case 'exited':
      return sweep(state, { kind: 'unplanned' });
    case 'start_requested':
    case 'drained':
    case 'swept':
    case 'refused':
      return ignore(state, 'it is waited for');
  }
}

function whenDraining(state: StateOf<'draining'>, event: EngineEvent, { policy }: Moment): Step {
  switch (event.kind) {
    case 'drained':
    case 'timer_fired':
      return terminate(state, { kind: 'stop' }, state.termGraceMs);
    case 'kill_requested':
      return killGroup(state, { kind: 'stop' }, policy);
    case 'exited':
      return sweep(state, { kind: 'stop' });
    case 'start_requested':
    case 'stop_requested':
    case 'probed':
    case 'swept':
    case 'refused':
      return ignore(state, 'it is being stopped');
  }
}

function whenStopping(state: StateOf<'stopping'>, event: EngineEvent, { policy }: Moment): Step {
  switch (event.kind) {
    case 'timer_fired':
      // Killed and still no exit: the sweep finds out which processes hang in the kernel.
      return state.killed ? sweep(state, state.intent) : killGroup(state, state.intent, policy);
    case 'stop_requested':
      return stay({ ...state, intent: { kind: 'stop' } }, []);
    case 'kill_requested':
      return state.killed
        ? stay({ ...state, intent: { kind: 'stop' } }, [])
        : killGroup(state, { kind: 'stop' }, policy);
    case 'exited':
      return sweep(state, state.intent);
    case 'start_requested':
    case 'probed':
    case 'drained':
    case 'swept':
    case 'refused':
      return ignore(state, 'it is being stopped');
  }
}

function whenSweeping(state: StateOf<'sweeping'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'swept':
      if (event.survivors.length > 0) return enter(state, { phase: 'failed', failure: unkillable(event.survivors) });
      if (state.intent.kind === 'stop') return enter(state, { phase: 'stopped' });
      return restart(state, state.intent.kind === 'replace' ? state.intent.failure : event.failure, moment);
    case 'stop_requested':
    case 'kill_requested':
      return stay({ ...state, intent: { kind: 'stop' } }, []);
    case 'start_requested':
    case 'probed':
    case 'timer_fired':
    case 'drained':
    case 'exited':
    case 'refused':
      return ignore(state, 'its processes are being ended');
  }
}

function whenBackingOff(state: StateOf<'backoff'>, event: EngineEvent, moment: Moment): Step {
  switch (event.kind) {
    case 'timer_fired':
    case 'start_requested':
      return spawn(state, moment);
    case 'stop_requested':
    case 'kill_requested':
      return enter(state, { phase: 'stopped' });
    case 'probed':
    case 'drained':
    case 'exited':
    case 'swept':
    case 'refused':
      return ignore(state, 'it has no process');
  }
}
