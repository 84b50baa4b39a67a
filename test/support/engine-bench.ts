import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import type { Placement } from '../../src/domain/placement.ts';
import type { Replica, ReplicaActivity, Rotation } from '../../src/domain/replica.ts';
import { Engine } from '../../src/engine/engine.ts';
import { EngineRun } from '../../src/engine/engine-run.ts';
import type { PhaseName } from '../../src/engine/engine-state.ts';
import type { LifecycleEvent } from '../../src/engine/lifecycle-event.ts';
import { DEFAULT_POLICY, type EnginePolicy } from '../../src/engine/policy.ts';
import { RestartTurns } from '../../src/engine/restart-turns.ts';
import { describeEngine } from '../../src/engine/status.ts';
import { systemClock } from '../../src/system/clock.ts';
import { groupMembers, signalGroup } from '../../src/system/process-group.ts';

export const MISBEHAVING_ENGINE = fileURLToPath(new URL('children/misbehaving-engine.ts', import.meta.url));

/** The waiting times of real engines, shortened. */
export const QUICK_POLICY: EnginePolicy = {
  ...DEFAULT_POLICY,
  startDeadlineMs: 10_000,
  firstTokenDeadlineMs: 300,
  startProbeIntervalMs: 20,
  healthIntervalMs: 30,
  stallDeadlineMs: 300,
  stallRecoveryMs: 100,
  memoryPollMs: 20,
  memoryDeadlineMs: 300,
  unhealthyDeadlineMs: 300,
  termGraceMs: 300,
  startTermGraceMs: 300,
  restart: { ...DEFAULT_POLICY.restart, firstDelayMs: 40 },
};

const onePlacement = (engineId: string): Placement => ({
  engineId,
  kind: 'simulated',
  model: 'gpt-oss-20b',
  gpus: [],
  profile: { name: 'test', maxModelLen: 4096 },
});

/** Seats `e0`, `e1`, … for simulated engines. */
export function simulatedPlacements(count: number): Placement[] {
  return Array.from({ length: count }, (_, slot) => onePlacement(`e${slot}`));
}

export const silentLogger = pino({ level: 'silent' });

/** A rotation that writes down what it is told; after `startStream` requests are in flight. */
export class RecordingRotation implements Rotation {
  readonly calls: string[] = [];
  readonly admitted: Replica[] = [];
  /** What requests show of the engine's work. */
  activityNow: ReplicaActivity = { awaiting: 0, reads: 0 };
  #busy: PromiseWithResolvers<void> | null = null;

  admit(replica: Replica): void {
    this.calls.push(`admit ${replica.engineId} #${replica.generation}`);
    this.admitted.push(replica);
  }

  withdraw(engineId: string, reason: string): void {
    this.calls.push(`withdraw ${engineId}: ${reason}`);
  }

  async whenIdle(engineId: string): Promise<void> {
    this.calls.push(`whenIdle ${engineId}`);
    await this.#busy?.promise;
  }

  closeStreams(engineId: string): void {
    this.calls.push(`closeStreams ${engineId}`);
  }

  died(engineId: string, generation: number): void {
    this.calls.push(`died ${engineId} #${generation}`);
  }

  activity(): ReplicaActivity {
    return this.activityNow;
  }

  remove(engineId: string): void {
    this.calls.push(`remove ${engineId}`);
  }

  startStream(): void {
    this.#busy = Promise.withResolvers();
  }

  /** Ends the streams that are in flight now, whenever it is called. */
  streamsFinisher(): () => void {
    const busy = this.#busy;
    return () => busy?.resolve();
  }
}

export interface EngineBench {
  readonly engine: Engine;
  readonly rotation: RecordingRotation;
  readonly stateDir: string;
  readonly socketPath: string;
  /** Waits for a phase of a generation; throws with what was seen when it does not come. */
  readonly reached: (phase: PhaseName, generation?: number) => Promise<void>;
  /** The process group of every start so far. */
  readonly groups: readonly number[];
  /** Processes that the kernel has ended for want of memory. */
  readonly machine: { oomKills: number };
  /** What it told of itself so far. */
  readonly events: readonly LifecycleEvent[];
  readonly log: () => string;
  /** Ends everything and removes the state directory. */
  readonly close: () => Promise<void>;
}

/** One engine of real processes: `flags` go to the misbehaving engine, or `file` is run instead. */
export function startBench(flags: readonly string[], policy = QUICK_POLICY, file = process.execPath): EngineBench {
  const stateDir = mkdtempSync(join(tmpdir(), 'chorus-engine-'));
  const socketPath = join(stateDir, 'sockets', 'e0.sock');
  const rotation = new RecordingRotation();
  const seen: string[] = [];
  const events: LifecycleEvent[] = [];
  const machine = { oomKills: 0 };
  const groups: number[] = [];
  const watchers = new Set<() => void>();
  const engine = new Engine({
    identity: { engineId: 'e0', kind: 'simulated', model: 'gpt-oss-20b', gpus: [], socketPath, host: null },
    generation: 0,
    begin: (onLine) =>
      new EngineRun({
        engineId: 'e0',
        model: 'gpt-oss-20b',
        command: {
          file,
          args: [MISBEHAVING_ENGINE, '--uds', socketPath, ...flags.map((flag) => flag.replace('STATE', stateDir))],
          env: { PATH: process.env['PATH'] ?? '' },
        },
        parentDeath: null,
        socketPath,
        stateDir,
        clock: systemClock,
        countOomKills: () => machine.oomKills,
        onLine,
        maxLogBytes: policy.maxLogBytes,
      }),
    describe: describeEngine,
    turns: new RestartTurns(() => false),
    memory: null,
    onEvent: (event) => events.push(event),
    earlierStarts: () => [],
    onStarted: () => undefined,
    reviseFailure: (failure) => failure,
    policy,
    rotation,
    clock: systemClock,
    logger: silentLogger,
    random: () => 0,
    onChange: () => {
      const { phase, generation, pid } = engine.status;
      if (seen.at(-1) !== `${phase} #${generation}`) seen.push(`${phase} #${generation}`);
      if (pid !== null && !groups.includes(pid)) groups.push(pid);
      for (const watcher of watchers) watcher();
    },
  });
  const reached = async (phase: PhaseName, generation?: number): Promise<void> => {
    const arrival = Promise.withResolvers<void>();
    const check = (): void => {
      const { status } = engine;
      if (status.phase === phase && (generation ?? status.generation) === status.generation) arrival.resolve();
    };
    const late = (): void => arrival.reject(new Error(`no ${phase} within 10 s; seen: ${seen.join(', ')}`));
    const cancel = systemClock.schedule(10_000, late);
    watchers.add(check);
    check();
    await arrival.promise.finally(() => {
      cancel();
      watchers.delete(check);
    });
  };
  return {
    engine,
    rotation,
    stateDir,
    socketPath,
    reached,
    groups,
    machine,
    events,
    log: () => readFileSync(engine.status.logFile ?? '', 'utf8'),
    close: async () => {
      await engine.kill();
      for (const group of groups) if (groupMembers(group).length > 0) signalGroup(group, 'SIGKILL');
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
