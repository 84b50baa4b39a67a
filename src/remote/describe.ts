import { formatDuration, formatTimeLeft } from '../domain/units.ts';
import type { EngineState } from '../engine/engine-state.ts';

/** The state of an engine elsewhere as a sentence. `inPhaseMs` is how long it lasts. */
export function describeRemote(state: EngineState, inPhaseMs: number): string {
  switch (state.phase) {
    case 'idle':
    case 'releasing':
      return 'waits to be connected';
    case 'starting':
      return `connecting for ${formatDuration(inPhaseMs)}`;
    case 'ready':
      return 'in rotation';
    case 'unhealthy':
      return `out of rotation: ${state.reason}`;
    case 'draining':
      return `being taken out of rotation: its answers may finish for ${formatTimeLeft(state.drainMs - inPhaseMs)} more`;
    case 'stopping':
    case 'sweeping':
      return 'out of rotation';
    case 'backoff':
      return `out of rotation: ${state.failure.message}; tried again in ${formatDuration(Math.max(0, state.delayMs - inPhaseMs))}`;
    case 'failed':
      return `refused: ${state.failure.message}. ${state.failure.remedy}`;
    case 'stopped':
      return 'taken out of rotation';
  }
}
