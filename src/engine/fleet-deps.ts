import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import type { GpuMemoryReader } from '../domain/gpu.ts';
import type { Placement } from '../domain/placement.ts';
import type { Rotation } from '../domain/replica.ts';
import type { LaunchSettings } from './command.ts';
import type { LifecycleEvent } from './lifecycle-event.ts';
import type { EnginePolicy } from './policy.ts';
import type { AdaptPlacement } from './seat.ts';

/** What a fleet is made from. */
export interface FleetDeps {
  readonly placements: readonly Placement[];
  /** Gets `sockets/`, `logs/`, `known-flags/`, the records of running engines and what their starts taught. */
  readonly stateDir: string;
  readonly launch: LaunchSettings;
  /** What to try once when a start asks for too much memory. */
  readonly adapt: AdaptPlacement;
  readonly rotation: Rotation;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Read anew at every use. */
  readonly policy?: EnginePolicy;
  /** Before each start on GPUs their memory is looked at; absent where nothing can tell. */
  readonly gpuMemory?: GpuMemoryReader | null;
  /** Told of what happens to engines. */
  readonly onEngineEvent?: (event: LifecycleEvent) => void;
  /** Processes that the kernel has ended for want of memory; absent: as this machine counts them. */
  readonly countOomKills?: () => number | null;
}
