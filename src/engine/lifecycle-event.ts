import type { EjectionCause, EngineState } from './engine-state.ts';
import { classifyFailure, type FailureClass } from './failures.ts';

/** What happened to an engine, for logs, metrics and status pages. `reason` is a sentence, never text of a request. */
export type LifecycleEvent = {
  readonly engineId: string;
  readonly generation: number;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly atMs: number;
} & Happening;

type Happening =
  /** Its process was started. */
  | { readonly kind: 'started' }
  /** It made its first token, so long after its start. */
  | { readonly kind: 'ready'; readonly startMs: number }
  | { readonly kind: 'ejected'; readonly cause: EjectionCause; readonly reason: string }
  /** Back in rotation without a new start, so long after its ejection. */
  | { readonly kind: 'recovered'; readonly outMs: number }
  /** It is started again after `delayMs`, or later if another one is being restarted then. */
  | ({ readonly kind: 'restarting'; readonly delayMs: number } & FailureWords)
  | ({ readonly kind: 'failed' } & FailureWords);

interface FailureWords {
  readonly failureClass: FailureClass;
  /** `EngineFailure.code`: one of a finite set. */
  readonly code: string;
  readonly reason: string;
}

/** When a step was taken. */
export interface StepTime {
  readonly atMs: number;
  /** How long the phase before it had lasted. */
  readonly inPhaseMs: number;
}

/** What a change of phase means to people; null for one that is only a part of something. */
export function lifecycleEvent(
  engineId: string,
  before: EngineState,
  after: EngineState,
  { atMs, inPhaseMs }: StepTime,
): LifecycleEvent | null {
  const happening = before.phase === after.phase ? null : happeningOf(before, after, inPhaseMs);
  return happening && { engineId, generation: after.generation, atMs, ...happening };
}

function happeningOf(before: EngineState, after: EngineState, inPhaseMs: number): Happening | null {
  switch (after.phase) {
    case 'starting':
      return { kind: 'started' };
    case 'ready':
      return before.phase === 'starting'
        ? { kind: 'ready', startMs: Math.round(inPhaseMs) }
        : { kind: 'recovered', outMs: Math.round(inPhaseMs) };
    case 'unhealthy':
      return { kind: 'ejected', cause: after.cause, reason: after.reason };
    case 'backoff':
      return { kind: 'restarting', delayMs: after.delayMs, ...wordsOf(after) };
    case 'failed':
      return { kind: 'failed', ...wordsOf(after) };
    case 'sweeping':
    case 'stopping':
      return before.phase === 'ready' ? suddenEnd(after) : null;
    case 'idle':
    case 'draining':
    case 'releasing':
    case 'stopped':
      return null;
  }
}

function suddenEnd({ intent }: Extract<EngineState, { phase: 'sweeping' | 'stopping' }>): Happening | null {
  switch (intent.kind) {
    case 'unplanned':
      return { kind: 'ejected', cause: 'ended', reason: 'its process ended' };
    case 'give_up':
      return { kind: 'ejected', cause: 'cordoned', reason: intent.failure.message };
    case 'replace':
    case 'stop':
      return null;
  }
}

function wordsOf({ failure }: Extract<EngineState, { phase: 'backoff' | 'failed' }>): FailureWords {
  return { failureClass: classifyFailure(failure), code: failure.code, reason: failure.message };
}
