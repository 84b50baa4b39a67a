import type { EngineEvent, EngineState, Intent, PhaseName, ProbeResult, TimerName } from './engine-state.ts';
import {
  madeNoToken,
  recoveredTooLate,
  startedTooSlowly,
  stoodStill,
  unkillable,
  type EngineFailure,
} from './failures.ts';
import { doubtToken, isCanaryDue, judgeLook } from './judge-look.ts';
import type { EnginePolicy } from './policy.ts';
import { FRESH_HISTORY } from './restart.ts';
import {
  admit,
  begin,
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
  withDeath,
  type Moment,
  type Step,
} from './steps.ts';

/** Where every engine begins. */
export const INITIAL_STATE: EngineState = { phase: 'idle', generation: 0, history: FRESH_HISTORY, readyAtMs: null };

const STOP: Intent = { kind: 'stop' };
const UNPLANNED: Intent = { kind: 'unplanned' };

type EventKind = EngineEvent['kind'];
type EventOf<Kind extends EventKind> = Extract<EngineEvent, { readonly kind: Kind }>;
type StateOf<Name extends PhaseName> = Extract<EngineState, { readonly phase: Name }>;
type Answer<Name extends PhaseName, Kind extends EventKind> = (
  state: StateOf<Name>,
  event: EventOf<Kind>,
  moment: Moment,
) => Step;

/** What a phase answers to events; the others are ignored because of `otherwise`. */
interface Conduct<Name extends PhaseName> {
  readonly otherwise: string;
  readonly answers: { readonly [Kind in EventKind]?: Answer<Name, Kind> };
}

/**
 * The life of one engine, as a total function: every event in every phase leads to a step, or is ignored with a reason.
 */
export function transition(state: EngineState, event: EngineEvent, moment: Moment): Step {
  const { answers, otherwise } = CONDUCT[state.phase];
  const answer = answers[event.kind] as ((...args: Parameters<typeof transition>) => Step) | undefined;
  return answer === undefined ? ignore(state, otherwise) : answer(state, event, moment);
}

/** Of a phase without a process: nothing runs that would have to be ended first. */
const WITHOUT_PROCESS = { stop_requested: toStopped, kill_requested: toStopped, refused: toFailed };

/** Of a phase whose process nobody has asked to end. */
const WITH_PROCESS = { kill_requested: kill, refused: kill, exited: (state: EngineState) => sweep(state, UNPLANNED) };

/** Nothing is scheduled. A start that was asked for forgets earlier failures. */
const AT_REST = {
  otherwise: 'it has no process',
  answers: {
    ...WITHOUT_PROCESS,
    start_requested: (state: EngineState, _: EngineEvent, moment: Moment) =>
      begin({ ...state, history: FRESH_HISTORY }, moment),
  },
};

const STARTING: Conduct<'starting'> = {
  otherwise: 'it is starting',
  answers: {
    ...WITH_PROCESS,
    probed: probedWhileStarting,
    timer_fired: (state, { timer: late }, { policy }) => {
      if (late === 'probe') return stay(state, [{ kind: 'probe_token' }]);
      const failure = startFailure(state, late, policy);
      return terminate(state, { kind: 'replace', failure }, policy.startTermGraceMs);
    },
    stop_requested: (state, { termGraceMs }, { policy }) =>
      terminate(state, STOP, Math.min(policy.startTermGraceMs, termGraceMs)),
  },
};

const READY: Conduct<'ready'> = {
  otherwise: 'it is ready',
  answers: {
    ...WITH_PROCESS,
    looked: (state, { look }, moment) => judgeLook(state, look, moment),
    doubted: (state) => stay({ ...state, work: doubtToken(state.work) }, []),
    timer_fired: (state, _, moment) =>
      stay(state, [{ kind: 'look', canary: isCanaryDue(state.work, moment), knownReads: state.work.reads }]),
    stop_requested: drain,
  },
};

const UNHEALTHY: Conduct<'unhealthy'> = {
  otherwise: 'it is waited for',
  answers: {
    ...WITH_PROCESS,
    probed: (state, { result }, moment) =>
      result.kind === 'token'
        ? admit(state, result.facts, moment)
        : stay(state, [timer('probe', moment.policy.startProbeIntervalMs)]),
    timer_fired: (state, { timer: late }, { policy }) => {
      if (late === 'probe') return stay(state, [{ kind: 'probe_token' }]);
      const isHung = state.cause === 'stalled';
      const failure = isHung ? stoodStill(state.reason) : recoveredTooLate(state.reason);
      const replaced = terminate(state, { kind: 'replace', failure }, policy.termGraceMs);
      return isHung ? withDeath(replaced) : replaced;
    },
    stop_requested: drain,
  },
};

const DRAINING: Conduct<'draining'> = {
  otherwise: 'it is being stopped',
  answers: {
    stop_requested: drainSooner,
    drained: (state) => terminate(state, STOP, state.termGraceMs),
    timer_fired: (state) => terminate(state, STOP, state.termGraceMs),
    kill_requested: kill,
    refused: kill,
    exited: (state) => sweep(state, STOP),
  },
};

const STOPPING: Conduct<'stopping'> = {
  otherwise: 'it is being stopped',
  answers: {
    // Killed and still no exit: the sweep finds out which processes hang in the kernel.
    timer_fired: (state, _, { policy }) =>
      state.killed ? sweep(state, state.intent) : killGroup(state, state.intent, policy),
    stop_requested: (state) => stay({ ...state, intent: STOP }, []),
    kill_requested: killOnce,
    refused: killOnce,
    exited: (state) => sweep(state, state.intent),
  },
};

const SWEEPING: Conduct<'sweeping'> = {
  otherwise: 'its processes are being ended',
  answers: {
    swept: (state, { survivors, failure }, moment) =>
      survivors.length > 0
        ? enter(state, { phase: 'failed', failure: unkillable(survivors) })
        : afterSweep(state, failure, moment),
    stop_requested: (state) => stay({ ...state, intent: STOP }, []),
    kill_requested: (state) => stay({ ...state, intent: STOP }, []),
    refused: (state, event) => stay({ ...state, intent: intentOf(event) }, []),
  },
};

const BACKOFF: Conduct<'backoff'> = {
  otherwise: 'it has no process',
  answers: {
    ...WITHOUT_PROCESS,
    timer_fired: (state) => stay(state, [{ kind: 'ask_turn' }]),
    turn_taken: (state, { by }) =>
      by === state.waitsFor ? ignore(state, 'it knows') : stay({ ...state, waitsFor: by }, []),
    turn_given: (state, _, moment) => begin(state, moment),
    start_requested: (state, _, moment) => begin(state, moment),
  },
};

const RELEASING: Conduct<'releasing'> = {
  otherwise: 'it has no process',
  answers: {
    ...WITHOUT_PROCESS,
    memory_free: (state, _, moment) => spawn(state, moment),
    memory_held: (state, { failure }, moment) => restart(state, failure, moment),
  },
};

const CONDUCT: { readonly [Name in PhaseName]: Conduct<Name> } = {
  idle: AT_REST,
  starting: STARTING,
  ready: READY,
  unhealthy: UNHEALTHY,
  draining: DRAINING,
  stopping: STOPPING,
  sweeping: SWEEPING,
  backoff: BACKOFF,
  releasing: RELEASING,
  failed: AT_REST,
  stopped: AT_REST,
};

/** The end that is set comes sooner, never later. */
function drainSooner(
  state: StateOf<'draining'>,
  { drainMs, termGraceMs }: EventOf<'stop_requested'>,
  { inPhaseMs }: Moment,
): Step {
  if (inPhaseMs + drainMs >= state.drainMs) return ignore(state, 'it is being stopped');
  return stay({ ...state, drainMs: inPhaseMs + drainMs, termGraceMs }, [timer('drain', drainMs)]);
}

function probedWhileStarting(
  state: StateOf<'starting'>,
  { result }: { readonly result: ProbeResult },
  moment: Moment,
): Step {
  if (result.kind === 'token') return admit(state, result.facts, moment);
  if (result.kind === 'unusable') {
    return terminate(state, { kind: 'replace', failure: result.failure }, moment.policy.startTermGraceMs);
  }
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

function toStopped(state: EngineState): Step {
  return state.phase === 'stopped' ? ignore(state, 'it is stopped') : enter(state, { phase: 'stopped' });
}

function toFailed(state: EngineState, { failure }: EventOf<'refused'>): Step {
  return enter(state, { phase: 'failed', failure });
}

function kill(state: EngineState, event: EventOf<'kill_requested' | 'refused'>, { policy }: Moment): Step {
  return killGroup(state, intentOf(event), policy);
}

function killOnce(state: StateOf<'stopping'>, event: EventOf<'kill_requested' | 'refused'>, moment: Moment): Step {
  return state.killed ? stay({ ...state, intent: intentOf(event) }, []) : kill(state, event, moment);
}

/** What follows when its group is killed for this. */
function intentOf(event: EventOf<'kill_requested' | 'refused'>): Intent {
  return event.kind === 'refused' ? { kind: 'give_up', failure: event.failure } : STOP;
}
