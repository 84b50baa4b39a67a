import { isDeepStrictEqual } from 'node:util';
import type { Placement } from '../domain/placement.ts';
import { countOomKills } from '../system/oom-kills.ts';
import { findParentDeathGuard, type ParentDeathGuard } from '../system/parent-death.ts';
import { portBlock } from '../system/ports.ts';
import { chooseSocketDirectory, type SocketDirectory } from '../system/socket-directory.ts';
import { CardMemory } from './card-memory.ts';
import { engineCommand, type EngineCommand, type LaunchSettings } from './command.ts';
import { Engine } from './engine.ts';
import type { EngineDeps } from './engine-deps.ts';
import { EngineRun } from './engine-run.ts';
import { type EngineFailure, noSocketDirectory } from './failures.ts';
import { writeFit } from './fit-memory.ts';
import type { FleetDeps } from './fleet-deps.ts';
import { learnKnownFlags } from './known-flags.ts';
import { Seat } from './seat.ts';
import type { PhaseTimes } from './start-estimate.ts';
import { StartHistory } from './start-history.ts';
import { describeEngine } from './status.ts';

/** One engine, and what it was made from. */
export interface Member {
  readonly engine: Engine;
  readonly placement: Placement;
  readonly seat: Seat;
  /** Of every start of it. */
  readonly launch: { settings: LaunchSettings };
  /** Its number among the living, for the ports of its workers. */
  readonly slot: number;
}

/** What engines get that is the same for all of them. */
type Shared = Pick<EngineDeps, 'turns' | 'policy' | 'onChange' | 'onEvent'>;

/** The longest name that a plan gives, so that later engines find room for their sockets too. */
const LONGEST_SOCKET_NAME = 'e99999.sock';

/** Makes engines: their commands, sockets and ports, and what their starts teach each other. */
export class EngineMaker {
  readonly #deps: FleetDeps;
  readonly #shared: Shared;
  readonly #sockets: SocketDirectory;
  readonly #history: StartHistory;
  readonly #members = new Set<Member>();
  #knownFlags: ReadonlySet<string> | null = null;
  /** Whose flags are known. */
  #learnedFrom: string | null = null;
  #guard: ParentDeathGuard | null = null;

  constructor(deps: FleetDeps, shared: Shared) {
    this.#deps = deps;
    this.#shared = shared;
    this.#history = new StartHistory(deps.stateDir);
    const names = [LONGEST_SOCKET_NAME, ...deps.placements.map(({ engineId }) => socketName(engineId))];
    this.#sockets = chooseSocketDirectory(deps.stateDir, names.toSorted((a, b) => b.length - a.length)[0] ?? '');
  }

  /** Makes what every engine needs before its start; gives the reason when that is not possible. */
  async prepare(): Promise<EngineFailure | null> {
    try {
      this.#sockets.make();
    } catch (error) {
      return noSocketDirectory((error as Error).message);
    }
    this.#guard = await findParentDeathGuard(this.#deps.launch.environment['PATH'] ?? '');
    if (this.#guard === null) {
      this.#deps.logger.info('no setpriv: engines of a killed Chorus run on until the next one ends them');
    }
    return null;
  }

  /** Asks vLLM for its options, unless this one was asked before; an abort of `signal` ends the question. */
  async learnFlags({ python }: LaunchSettings, placements: readonly Placement[], signal: AbortSignal): Promise<void> {
    const { stateDir, logger } = this.#deps;
    const isAsked = python !== this.#learnedFrom && placements.some(({ kind }) => kind !== 'simulated');
    if (python === null || !isAsked) return;
    const known = await learnKnownFlags({ python, stateDir }, signal);
    this.#knownFlags = known.flags;
    this.#learnedFrom = python;
    if (known.flags === null) {
      logger.warn({ reason: known.reason }, 'options of vLLM unknown, recent ones are not used');
    }
  }

  /** An engine for this placement; `generation` starts have gone before under its name. */
  make(placement: Placement, settings: LaunchSettings, generation: number): Member {
    const { rotation, clock, logger, random } = this.#deps;
    const { engineId, kind, model, gpus } = placement;
    const seat = new Seat(placement, this.#deps.adapt);
    const launch = { settings };
    const slot = this.#freeSlot();
    const socketPath = this.#sockets.socketPath(socketName(engineId));
    const address = { socketPath, rendezvousPort: portBlock(slot) };
    const engine = new Engine({
      ...this.#shared,
      identity: { engineId, kind, model, gpus, socketPath, host: null },
      generation,
      begin: (onLine) => {
        const settings = { ...launch.settings, knownFlags: this.#knownFlags };
        return this.#spawn(placement, engineCommand(seat.placement, settings, address), socketPath, onLine);
      },
      describe: describeEngine,
      earlierStarts: () => this.#history.earlier(placement),
      onStarted: (engineVersion, times) => this.#learn(seat, engineVersion, times),
      reviseFailure: (failure) => seat.revise(failure),
      rotation,
      memory: this.#memoryOf(placement),
      clock,
      logger: logger.child({ engineId, model, gpus: gpus.map(({ index }) => index) }),
      random,
    });
    const member = { engine, placement, seat, launch, slot };
    this.#members.add(member);
    return member;
  }

  /** Forgets an engine that is gone. */
  drop(member: Member): void {
    this.#members.delete(member);
  }

  /** Removes the sockets' folder, if it is a temporary one. */
  removeSockets(): void {
    this.#sockets.remove();
  }

  #spawn(
    { engineId, model }: Placement,
    command: EngineCommand,
    socketPath: string,
    onLine: (line: string) => void,
  ): EngineRun {
    const { stateDir, clock } = this.#deps;
    return new EngineRun({
      engineId,
      model,
      command,
      parentDeath: this.#guard,
      socketPath,
      stateDir,
      clock,
      countOomKills: this.#deps.countOomKills ?? countOomKills,
      onLine,
      maxLogBytes: this.#shared.policy.maxLogBytes,
    });
  }

  #memoryOf(placement: Placement): CardMemory | null {
    const { gpuMemory, clock } = this.#deps;
    if (placement.kind !== 'gpu' || !gpuMemory) return null;
    return new CardMemory(placement, gpuMemory, clock, this.#shared.policy);
  }

  #freeSlot(): number {
    const taken = new Set([...this.#members].map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
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
    if (seat.isAdapted) for (const other of this.#members) other.seat.adopt(seat.placement);
  }
}

/**
 * Whether an engine is what is wanted: the same seat, launched the same way. What the planner expects of the memory does
 * not matter, and what an engine found to fit stands for what was planned.
 */
export function isAsWanted(member: Member, wanted: Placement, settings: LaunchSettings): boolean {
  const { placement, seat, launch } = member;
  const known = [placement, seat.placement].map(launchedAs);
  return (
    known.some((own) => isDeepStrictEqual(own, launchedAs(wanted))) && isDeepStrictEqual(launch.settings, settings)
  );
}

const launchedAs = ({ engineId, kind, model, gpus, profile }: Placement): object => {
  const { name: _, ...flags } = profile;
  return { engineId, kind, model, gpus: gpus.map(({ index, uuid }) => [index, uuid]), flags };
};

function socketName(engineId: string): string {
  return `${engineId}.sock`;
}
