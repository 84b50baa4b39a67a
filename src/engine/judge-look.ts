import type { EngineState, Look, ProbeResult } from './engine-state.ts';
import { eject, type Moment, stay, type Step, timer, withDeath } from './steps.ts';
import { stallReason, watchWork, type WorkWatch } from './work-watch.ts';

type Ready = Extract<EngineState, { readonly phase: 'ready' }>;

/**
 * What a look at an engine in rotation means. Refused, 503 or a token that fails: out at once. Late answers count only
 * while nothing moves, for a busy server answers late, and only in a row. Requests that wait while nothing moves: out at
 * the deadline, whatever `/health` says.
 */
export function judgeLook(state: Ready, look: Look, { policy, monotonicMs }: Moment): Step {
  const { canary } = look;
  const health = asLook(look.health);
  const { watch, moved } = watchWork(state.work, look.work, monotonicMs);
  if (health.kind === 'dead') return withDeath(eject(state, 'down', health.reason, policy));
  if (health.kind === 'down' || health.kind === 'no_token') return eject(state, health.kind, health.reason, policy);
  const missed = health.kind === 'slow' && !moved;
  const slowProbes = missed && !canary ? state.slowProbes + 1 : 0;
  if (missed && slowProbes >= policy.slowProbeLimit) return eject(state, 'slow', health.reason, policy);
  const canaryMisses = missed && canary ? state.canaryMisses + 1 : 0;
  if (missed && canaryMisses >= policy.canaryMissLimit) {
    return eject(state, 'no_token', `idle, it was asked for one token: ${health.reason}`, policy);
  }
  const stall = stallReason(watch, look.work, monotonicMs, policy.stallDeadlineMs);
  if (stall !== null) return eject(state, 'stalled', `${stall}, ${whatHealthSays(health)}`, policy);
  const work = health.kind === 'token' ? { ...watch, lastTokenMs: monotonicMs } : watch;
  return stay({ ...state, slowProbes, canaryMisses, work }, [timer('probe', policy.healthIntervalMs)]);
}

type LookResult = Exclude<ProbeResult, { kind: 'unusable' }>;

/** Of an engine that served: what may pass is a late answer, what will not is a token that it does not make. */
function asLook(result: ProbeResult): LookResult {
  if (result.kind !== 'unusable') return result;
  return { kind: result.isPassing ? 'slow' : 'no_token', reason: result.failure.message };
}

/** Whether an engine has been idle for so long that nothing shows that it still works. */
export function isCanaryDue({ idle, lastTokenMs }: WorkWatch, { policy, monotonicMs }: Moment): boolean {
  return idle && monotonicMs - lastTokenMs >= policy.canaryIdleMs;
}

/** Whatever it showed before, the next look asks it for a token. */
export function doubtToken(work: WorkWatch): WorkWatch {
  return { ...work, idle: true, lastTokenMs: -Infinity };
}

function whatHealthSays({ kind }: LookResult): string {
  return kind === 'slow' ? 'and its /health answers late' : 'although its /health says 200';
}
