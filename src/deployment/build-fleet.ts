import { fileURLToPath } from 'node:url';
import type { ServeOptions } from '../config/options.ts';
import type { Placement } from '../domain/placement.ts';
import { Fleet } from '../engine/fleet.ts';
import type { FleetDeps } from '../engine/fleet-deps.ts';
import type { AdaptPlacement } from '../engine/seat.ts';
import { gpuMemoryReader } from '../gpu/read-gpu-memory.ts';
import { adaptProfile } from '../planner/adapt.ts';
import { vocabularyDirectory } from '../system/vocabulary.ts';
import type { ChorusDeps } from './chorus-deps.ts';

type Surroundings = Pick<ChorusDeps, 'clock' | 'logger' | 'environment' | 'random' | 'policy' | 'gpuSight'>;
type Parts = Pick<FleetDeps, 'placements' | 'rotation' | 'onEngineEvent'>;

/** The fleet of a plan. `initial` are the settings of the start, `inUse` gives those that hold at a later moment. */
export function buildFleet(
  initial: ServeOptions,
  inUse: () => ServeOptions,
  { clock, logger, environment, random, policy, gpuSight }: Surroundings,
  parts: Parts,
): Fleet {
  const { stateDir, python, modelPath, engineArguments } = initial;
  const launch = {
    python,
    modelPath,
    engineArguments,
    vocabularyDirectory,
    nodePath: process.execPath,
    simulatorPath,
    environment,
  };
  const live = {
    ...policy,
    get maxLogBytes() {
      return inUse().maxEngineLogBytes;
    },
    get stallDeadlineMs() {
      return inUse().stallDeadlineMs;
    },
  };
  const adapt: AdaptPlacement = (...start) => adaptUnpinned(inUse(), ...start);
  const gpuMemory = gpuSight && gpuMemoryReader(gpuSight);
  return new Fleet({ ...parts, clock, logger, random, stateDir, launch, policy: live, adapt, gpuMemory });
}

/** What a person pinned is not given up. */
function adaptUnpinned(
  { contextTokens, gpuMemoryUtilization }: ServeOptions,
  ...[placement, code, estimate]: Parameters<AdaptPlacement>
): Placement | null {
  const adapted = adaptProfile(placement, code, estimate);
  const { maxModelLen, gpuMemoryUtilization: share } = placement.profile;
  if (contextTokens !== null && adapted?.profile.maxModelLen !== maxModelLen) return null;
  if (gpuMemoryUtilization !== null && adapted?.profile.gpuMemoryUtilization !== share) return null;
  return adapted;
}

/** The simulator's program, in the sources and in the build. */
const simulatorPath: string = fileURLToPath(
  new URL(`../sim/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);
