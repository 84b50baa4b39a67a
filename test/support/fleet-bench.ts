import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Placement } from '../../src/domain/placement.ts';
import type { PhaseName } from '../../src/engine/engine-state.ts';
import { Fleet } from '../../src/engine/fleet.ts';
import type { FleetDeps } from '../../src/engine/fleet-deps.ts';
import { systemClock } from '../../src/system/clock.ts';
import { vocabularyDirectory } from '../../src/system/vocabulary.ts';
import { MISBEHAVING_ENGINE, QUICK_POLICY, RecordingRotation, silentLogger } from './engine-bench.ts';

export interface FleetBench {
  readonly fleet: Fleet;
  readonly rotation: RecordingRotation;
  readonly stateDir: string;
  readonly launch: FleetDeps['launch'];
  readonly phases: () => PhaseName[];
  /** The pids of the leaders, in the order of the engines; 0 for one without a process. */
  readonly leaders: () => number[];
  /** Waits until `condition` holds after some change; vitest's own deadline ends a vain wait. */
  readonly changed: (condition: () => boolean) => Promise<void>;
  /** The least number of engines that were in rotation at one time since the last call. */
  readonly leastReady: () => number;
  /** Kills everything and removes the state directory. */
  readonly close: () => Promise<void>;
}

/** Waits until `condition` holds after some change; vitest's own deadline ends a vain wait. */
export function changed(fleet: Fleet, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (!condition()) return;
      leave();
      resolve();
    };
    const leave = fleet.onChange(check);
    check();
  });
}

/** A fleet of misbehaving engines with short waits. */
export function startFleetBench(placements: readonly Placement[], choice: Partial<FleetDeps> = {}): FleetBench {
  const stateDir = choice.stateDir ?? mkdtempSync(join(tmpdir(), 'chorus-fleet-'));
  const rotation = new RecordingRotation();
  const launch: FleetDeps['launch'] = {
    python: null,
    modelPath: null,
    engineArguments: [],
    vocabularyDirectory,
    nodePath: process.execPath,
    simulatorPath: MISBEHAVING_ENGINE,
    environment: process.env,
    ...choice.launch,
  };
  const fleet = new Fleet({
    adapt: () => null,
    rotation,
    clock: systemClock,
    logger: silentLogger,
    random: Math.random,
    policy: QUICK_POLICY,
    ...choice,
    placements,
    stateDir,
    launch,
  });
  const phases = (): PhaseName[] => fleet.status().map(({ phase }) => phase);
  const readyNow = (): number => phases().filter((phase) => phase === 'ready').length;
  let least = Infinity;
  fleet.onChange(() => {
    least = Math.min(least, readyNow());
  });
  return {
    fleet,
    rotation,
    stateDir,
    launch,
    phases,
    leaders: () => fleet.status().map(({ pid }) => pid ?? 0),
    changed: (condition) => changed(fleet, condition),
    leastReady: () => {
      const result = least;
      least = readyNow();
      return result;
    },
    close: async () => {
      await fleet.kill();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
