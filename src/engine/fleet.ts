import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Clock } from '../domain/clock.ts';
import type { EngineKind, Placement } from '../domain/placement.ts';
import type { Rotation } from '../domain/replica.ts';
import { portBlock } from '../system/ports.ts';
import { chooseSocketDirectory, type SocketDirectory } from '../system/socket-directory.ts';
import { engineCommand, type EngineCommand, type EngineSeat, type LaunchContext } from './command.ts';
import { Engine } from './engine.ts';
import { type EngineFailure, noSocketDirectory, stateDirectoryInUse, unkillable } from './failures.ts';
import { writeFit } from './fit-memory.ts';
import { learnKnownFlags } from './known-flags.ts';
import { DEFAULT_POLICY, type EnginePolicy } from './policy.ts';
import { endLeftovers } from './run-record.ts';
import { type AdaptPlacement, Seat } from './seat.ts';
import type { PhaseTimes } from './start-estimate.ts';
import { StartHistory } from './start-history.ts';
import type { EngineStatus } from './status.ts';

export interface FleetDeps {
  readonly placements: readonly Placement[];
  /** Gets `sockets/`, `logs/`, `known-flags/`, the records of running engines and what their starts taught. */
  readonly stateDir: string;
  readonly launch: Omit<LaunchContext, 'knownFlags'>;
  /** What to try once when a start asks for too much memory. */
  readonly adapt: AdaptPlacement;
  readonly rotation: Rotation;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly policy?: EnginePolicy;
}

/** Where vLLM and the weights are. */
export type EngineSource = Pick<LaunchContext, 'python' | 'modelPath'>;

/** How many engines may load at the same time: each needs about 45 CPU seconds and reads all the weights. */
const PARALLEL_STARTS: Readonly<Record<EngineKind, number>> = { gpu: 4, cpu: 2, simulated: 16 };

/** All engines of a plan: their start order and their common end. */
export class Fleet {
  readonly #deps: FleetDeps;
  readonly #policy: EnginePolicy;
  readonly #sockets: SocketDirectory;
  readonly #engines: readonly Engine[];
  readonly #listeners = new Set<() => void>();
  readonly #stopping = new AbortController();
  readonly #history: StartHistory;
  readonly #seats: readonly Seat[];
  #source: EngineSource;
  #knownFlags: ReadonlySet<string> | null = null;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.#policy = deps.policy ?? DEFAULT_POLICY;
    const names = deps.placements.map(({ engineId }) => socketName(engineId));
    this.#sockets = chooseSocketDirectory(deps.stateDir, names.toSorted((a, b) => b.length - a.length)[0] ?? '');
    this.#history = new StartHistory(deps.stateDir);
    this.#source = deps.launch;
    this.#seats = deps.placements.map((placement) => new Seat(placement, deps.adapt));
    this.#engines = this.#seats.map((seat, slot) => this.#build(seat, slot));
  }

  /**
   * Ends what a killed Chorus left, asks vLLM for its options, then starts the engines: on GPUs the first one alone,
   * since it fills the caches of compiled kernels that the others read, elsewhere a few at a time. Resolves when every
   * first start is ready or has failed, or a stop was asked for. Never rejects: what goes wrong shows in `status`.
   * `source` is where vLLM and the weights turned out to be, if not where `launch` says.
   */
  async start(source: EngineSource = this.#source): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#source = source;
    process.once('exit', this.#killWithoutWaiting);
    const refusal = this.#makeSockets() ?? (await this.#clearLeftovers());
    if (refusal !== null) return this.refuse(refusal);
    await this.#learnFlags();
    const kind = this.#deps.placements[0]?.kind ?? 'simulated';
    const queue = new PQueue({ concurrency: PARALLEL_STARTS[kind] });
    const start = (engine: Engine): Promise<void> =>
      queue.add(() => (this.#stopping.signal.aborted ? Promise.resolve() : engine.start()));
    const [first, ...others] = this.#engines;
    if (kind === 'gpu' && first) {
      await start(first);
      // What the first one finds to fit spares the others the same failure.
      if (this.#seats[0]?.isAdapted && first.status.phase === 'backoff') await start(first);
    }
    await Promise.all((kind === 'gpu' ? others : this.#engines).map(start));
  }

  /** Gives all engines up before any start, with the reason that their status shows. */
  refuse(failure: EngineFailure): void {
    for (const engine of this.#engines) engine.refuse(failure);
  }

  /**
   * Stops all engines at once: out of rotation, at most `drainMs` for their streams, SIGTERM, SIGKILL to what is left.
   * Resolves when no process of theirs lives, within `drainMs` and some 20 seconds.
   */
  stop(drainMs: number): Promise<void> {
    return this.#end((engine) => engine.stop(drainMs, this.#policy.termGraceMs));
  }

  /** SIGKILL to every engine, also while a `stop` waits. */
  kill(): Promise<void> {
    return this.#end((engine) => engine.kill());
  }

  /** A snapshot, in the order of the plan. */
  status(): EngineStatus[] {
    return this.#engines.map(({ status }) => status);
  }

  /** Calls `listener` whenever `status` shows something new; the returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #build(seat: Seat, slot: number): Engine {
    const { stateDir, rotation, clock, logger, random } = this.#deps;
    const { placement } = seat;
    const { engineId, model, gpus } = placement;
    const socketPath = this.#sockets.socketPath(socketName(engineId));
    const address = { socketPath, rendezvousPort: portBlock(slot) };
    return new Engine({
      placement,
      command: () => this.#command(seat, address),
      earlierStarts: () => this.#history.earlier(placement),
      onStarted: (engineVersion, times) => this.#learn(seat, engineVersion, times),
      reviseFailure: (failure) => seat.revise(failure),
      socketPath,
      stateDir,
      policy: this.#policy,
      rotation,
      clock,
      logger: logger.child({ engineId, model, gpus: gpus.map(({ index }) => index) }),
      random,
      onChange: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  #command({ placement }: Seat, address: EngineSeat): EngineCommand {
    return engineCommand(placement, { ...this.#deps.launch, ...this.#source, knownFlags: this.#knownFlags }, address);
  }

  /** A start that became ready teaches how long one takes, and what fits. */
  #learn(seat: Seat, engineVersion: string, times: PhaseTimes): void {
    const { stateDir, logger } = this.#deps;
    try {
      this.#history.add(seat.placement, engineVersion, times);
      if (seat.isAdapted) writeFit(stateDir, seat.placement);
    } catch (err) {
      logger.warn({ err }, 'what this start taught is not remembered');
    }
    if (seat.isAdapted) for (const other of this.#seats) other.adopt(seat.placement);
  }

  #makeSockets(): EngineFailure | null {
    try {
      this.#sockets.make();
      return null;
    } catch (error) {
      return noSocketDirectory((error as Error).message);
    }
  }

  async #clearLeftovers(): Promise<EngineFailure | null> {
    const { stateDir, clock, logger } = this.#deps;
    const left = await endLeftovers(stateDir, clock, this.#policy.killGraceMs);
    switch (left.kind) {
      case 'clear':
        if (left.ended.length > 0) logger.warn({ groups: left.ended }, 'engines of a killed Chorus ended');
        return null;
      case 'in_use':
        return stateDirectoryInUse(left.ownerPid);
      case 'unkillable':
        return unkillable(left.pids);
    }
  }

  async #learnFlags(): Promise<void> {
    const { placements, launch, stateDir, logger } = this.#deps;
    if (placements.every(({ kind }) => kind === 'simulated')) return;
    const { python } = this.#source;
    const { environment } = launch;
    const known = await learnKnownFlags({ python, stateDir, environment }, this.#stopping.signal);
    this.#knownFlags = known.flags;
    if (known.flags === null) {
      logger.warn({ reason: known.reason }, 'options of vLLM unknown, recent ones are not used');
    }
  }

  async #end(endEngine: (engine: Engine) => Promise<void>): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#engines.map(endEngine));
    process.off('exit', this.#killWithoutWaiting);
    this.#sockets.remove();
  }

  readonly #killWithoutWaiting = (): void => {
    for (const engine of this.#engines) engine.killWithoutWaiting();
    this.#sockets.remove();
  };
}

function socketName(engineId: string): string {
  return `${engineId}.sock`;
}
