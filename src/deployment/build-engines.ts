import { fileURLToPath } from 'node:url';
import type { ServeOptions } from '../config/options.ts';
import type { Placement } from '../domain/placement.ts';
import { Fleet } from '../engine/fleet.ts';
import type { FleetDeps } from '../engine/fleet-deps.ts';
import type { EnginePolicy } from '../engine/policy.ts';
import type { AdaptPlacement } from '../engine/seat.ts';
import { gpuMemoryReader } from '../gpu/read-gpu-memory.ts';
import { adaptProfile } from '../planner/adapt.ts';
import { RemoteEngines, type RemoteEnginesDeps, remotePolicy } from '../remote/remote-engines.ts';
import { vocabularyDirectory } from '../system/vocabulary.ts';
import { AllEngines } from './all-engines.ts';
import type { ChorusDeps } from './chorus-deps.ts';

type Surroundings = Pick<ChorusDeps, 'clock' | 'logger' | 'environment' | 'random' | 'policy' | 'gpuSight'>;
type Parts = Pick<FleetDeps, 'placements'> & Pick<RemoteEnginesDeps, 'pool' | 'onEngineEvent' | 'onChange'>;

/**
 * The engines of a plan, and those elsewhere that the settings name. `initial` are the settings of the start, `inUse`
 * gives those that hold at a later moment.
 */
export function buildEngines(
  initial: ServeOptions,
  inUse: () => ServeOptions,
  surroundings: Surroundings,
  { placements, pool, onEngineEvent, onChange }: Parts,
): AllEngines {
  const { clock, logger, random } = surroundings;
  const policy = livePolicy(remotePolicy(surroundings.policy), inUse);
  const remotes = { clock, logger, random, policy, pool, onEngineEvent, onChange };
  const fleet = buildFleet(initial, inUse, surroundings, { placements, rotation: pool, onEngineEvent });
  fleet.onChange(onChange);
  return new AllEngines(fleet, new RemoteEngines(initial.remoteEngines, remotes));
}

function buildFleet(
  initial: ServeOptions,
  inUse: () => ServeOptions,
  { clock, logger, environment, random, policy, gpuSight }: Surroundings,
  parts: Pick<FleetDeps, 'placements' | 'rotation' | 'onEngineEvent'>,
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
  const live = livePolicy(policy, inUse);
  const adapt: AdaptPlacement = (...start) => adaptUnpinned(inUse(), ...start);
  const gpuMemory = gpuSight && gpuMemoryReader(gpuSight);
  return new Fleet({ ...parts, clock, logger, random, stateDir, launch, policy: live, adapt, gpuMemory });
}

/** Waiting times, some of which are settings. */
function livePolicy(policy: EnginePolicy, inUse: () => ServeOptions): EnginePolicy {
  return {
    ...policy,
    get maxLogBytes() {
      return inUse().maxEngineLogBytes;
    },
    get stallDeadlineMs() {
      return inUse().stallDeadlineMs;
    },
  };
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
