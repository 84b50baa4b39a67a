import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import type { Rotation } from '../domain/replica.ts';
import type { CardMemory } from './card-memory.ts';
import type { EngineState } from './engine-state.ts';
import type { EngineFailure } from './failures.ts';
import type { LifecycleEvent } from './lifecycle-event.ts';
import type { EnginePolicy } from './policy.ts';
import type { RestartTurns } from './restart-turns.ts';
import type { Run } from './run.ts';
import type { PhaseTimes } from './start-estimate.ts';
import type { EngineStatus } from './status.ts';

/** Which engine it is and where; `model` is null while an engine elsewhere has not told it. */
export type EngineIdentity = Pick<EngineStatus, 'engineId' | 'kind' | 'model' | 'gpus' | 'socketPath' | 'host'>;

/** What an engine is given by whoever makes it. */
export interface EngineDeps {
  readonly identity: EngineIdentity;
  /** Starts that its predecessor under the same name has had: they count on from there. */
  readonly generation: number;
  /** Begins a start; `onLine` hears the lines of its log. */
  readonly begin: (onLine: (line: string) => void) => Run;
  /** Its state as a sentence; see `describeEngine`. */
  readonly describe: (state: EngineState, inPhaseMs: number, progress: string | null) => string;
  /** What comparable starts took; asked at every start. Null where a start is not a matter of phases. */
  readonly earlierStarts: () => readonly PhaseTimes[] | null;
  /** Told of a start that became ready. */
  readonly onStarted: (engineVersion: string, times: PhaseTimes) => void;
  /** Told of a start that ended before it was ready; the failure that it gives back is the one that counts. */
  readonly reviseFailure: (failure: EngineFailure) => EngineFailure;
  readonly policy: EnginePolicy;
  readonly rotation: Rotation;
  readonly turns: RestartTurns;
  /** The memory of its cards; null where it need not be waited for. */
  readonly memory: CardMemory | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called after every change that `status` shows, times aside. */
  readonly onChange: () => void;
  /** Told of what people and metrics want to know. */
  readonly onEvent: (event: LifecycleEvent) => void;
}
