import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import type { GpuMemoryReader } from '../domain/gpu.ts';
import type { Placement } from '../domain/placement.ts';
import type { Rotation } from '../domain/replica.ts';
import type { ParentDeathGuard } from '../system/parent-death.ts';
import type { EngineCommand } from './command.ts';
import type { EngineFailure } from './failures.ts';
import type { LifecycleEvent } from './lifecycle-event.ts';
import type { EnginePolicy } from './policy.ts';
import type { RestartTurns } from './restart-turns.ts';
import type { PhaseTimes } from './start-estimate.ts';

/** What an engine is given by its fleet. */
export interface EngineDeps {
  readonly placement: Placement;
  /** Starts that its predecessor under the same name has had: they count on from there. */
  readonly generation: number;
  /** Asked at every start. */
  readonly command: () => EngineCommand;
  /** What comparable starts took; asked at every start. */
  readonly earlierStarts: () => readonly PhaseTimes[];
  /** Told of a start that became ready. */
  readonly onStarted: (engineVersion: string, times: PhaseTimes) => void;
  /** Told of a start that ended before it was ready; the failure that it gives back is the one that counts. */
  readonly reviseFailure: (failure: EngineFailure) => EngineFailure;
  readonly socketPath: string;
  /** Holds `logs/` and the records of running groups. */
  readonly stateDir: string;
  readonly policy: EnginePolicy;
  readonly rotation: Rotation;
  readonly turns: RestartTurns;
  /** Reads the memory of its cards; null where there are none. */
  readonly gpuMemory: GpuMemoryReader | null;
  /** What makes a process end with Chorus; asked at every start. */
  readonly parentDeath: () => ParentDeathGuard | null;
  /** Processes that the kernel has ended for want of memory so far; null where that is not known. */
  readonly countOomKills: () => number | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called after every change that `status` shows, times aside. */
  readonly onChange: () => void;
  /** Told of what people and metrics want to know. */
  readonly onEvent: (event: LifecycleEvent) => void;
}
