import type { Clock } from '../domain/clock.ts';
import type { EnginePolicy } from '../engine/policy.ts';
import type { Listener } from '../gateway/listen.ts';
import type { PrepareEngines } from '../setup/preparation.ts';
import type { ResponseStore } from '../store/response-store.ts';
import type { Logger } from '../system/logger.ts';
import type { DeploymentDeps } from './deployment.ts';
import type { GpuSight } from './watch-gpus.ts';

/** What a running Chorus is given from outside. */
export interface ChorusDeps extends Pick<DeploymentDeps, 'readConfig' | 'plan'> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What keeps responses; null where nothing is kept. The orchestrator closes it. */
  readonly store: ResponseStore | null;
  /** Why nothing is kept, with what to do about it; null where something is. */
  readonly storeProblem: string | null;
  /** Installs vLLM and downloads weights before the engines start; null where all is here. */
  readonly prepare: PrepareEngines | null;
  readonly listener: Listener;
  /** The cards to look after; null where no engine runs on any. */
  readonly gpuSight: GpuSight | null;
  /** Waiting times of the engines. */
  readonly policy: EnginePolicy;
}
