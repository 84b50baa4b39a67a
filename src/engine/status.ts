import type { EngineKind, SeatedGpu } from '../domain/placement.ts';
import type { ModelId } from '../domain/model.ts';
import { formatDuration, formatTimeLeft } from '../domain/units.ts';
import type { EngineState, PhaseName } from './engine-state.ts';
import type { EngineFailure } from './failures.ts';
import type { LifecycleEvent } from './lifecycle-event.ts';
import type { Progress } from './start-estimate.ts';

/** One engine as people and status pages see it; a copy that does not change. */
export interface EngineStatus {
  readonly engineId: string;
  /** Null while an engine elsewhere has not told it. */
  readonly model: ModelId | null;
  readonly kind: EngineKind | 'remote';
  readonly gpus: readonly SeatedGpu[];
  readonly phase: PhaseName;
  /** One sentence: what it does, or what went wrong and what happens next. */
  readonly sentence: string;
  /** Whether it may serve later, as far as Chorus knows: false once it has failed or was stopped. */
  readonly mayBecomeReady: boolean;
  /** How far a start is; null in every other phase. */
  readonly progress: Progress | null;
  readonly pid: number | null;
  readonly generation: number;
  readonly restarts: number;
  readonly lastFailure: EngineFailure | null;
  /** What happened to it last, oldest first; a few. */
  readonly recent: readonly LifecycleEvent[];
  readonly engineVersion: string | null;
  /** Null for an engine elsewhere. */
  readonly socketPath: string | null;
  /** Of an engine elsewhere, as `host` or `host:port`; null for one of this machine. */
  readonly host: string | null;
  /** The log of the current or last start. */
  readonly logFile: string | null;
}

/** Whether an engine in this state serves again by itself. One that is ended in order to be replaced does. */
export function mayBecomeReady(state: EngineState): boolean {
  if (state.phase === 'stopping' || state.phase === 'sweeping') return !['stop', 'give_up'].includes(state.intent.kind);
  return state.phase !== 'failed' && state.phase !== 'stopped' && state.phase !== 'draining';
}

/** The state as a sentence. `inPhaseMs` is how long it lasts, `progress` what the log last told of a start. */
export function describeEngine(state: EngineState, inPhaseMs: number, progress: string | null): string {
  switch (state.phase) {
    case 'idle':
      return 'waits for its turn to start';
    case 'starting':
      return `starting for ${formatDuration(inPhaseMs)}: ${state.tokenProblem ?? progress ?? 'loading the program'}`;
    case 'ready':
      return 'in rotation';
    case 'unhealthy':
      return `out of rotation: ${state.reason}`;
    case 'draining':
      return `being stopped: its answers may finish for ${formatTimeLeft(state.drainMs - inPhaseMs)} more`;
    case 'stopping':
      if (state.intent.kind === 'replace') return `being replaced: ${state.intent.failure.message}`;
      if (state.intent.kind === 'give_up') return `being ended: ${state.intent.failure.message}`;
      return state.killed ? 'being ended by force' : 'being stopped';
    case 'sweeping':
      return 'its process is gone; what it left is being ended';
    case 'backoff':
      if (state.waitsFor !== null) return `${state.failure.message}; starts again once ${state.waitsFor} is back`;
      return `${state.failure.message}; starts again in ${formatDuration(Math.max(0, state.delayMs - inPhaseMs))}`;
    case 'releasing':
      return 'about to start: waits until nothing holds the memory of its card';
    case 'failed':
      return `failed: ${state.failure.message}. ${state.failure.remedy}`;
    case 'stopped':
      return 'stopped';
  }
}
