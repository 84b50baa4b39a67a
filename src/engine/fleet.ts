import PQueue from 'p-queue';
import type { EngineKind, Placement } from '../domain/placement.ts';
import type { LaunchSettings } from './command.ts';
import type { Engine } from './engine.ts';
import { EngineMaker, type Member } from './engine-maker.ts';
import { type EngineFailure, stateDirectoryInUse, unkillable } from './failures.ts';
import type { FleetDeps } from './fleet-deps.ts';
import { DEFAULT_POLICY, type EnginePolicy } from './policy.ts';
import { RestartTurns } from './restart-turns.ts';
import { isServing, type Reconciliation, rollOut } from './rollout.ts';
import { Roster } from './roster.ts';
import { endLeftovers } from './run-record.ts';
import type { EngineStatus } from './status.ts';

/** Where vLLM and the weights are. */
export type EngineSource = Pick<LaunchSettings, 'python' | 'modelPath'>;

/** Which engines there are to be. */
export interface FleetTarget {
  readonly placements: readonly Placement[];
  /** Laid over the present settings. */
  readonly launch?: Partial<LaunchSettings>;
}

/** How many engines may load at the same time: each needs about 45 CPU seconds and reads all the weights. */
const PARALLEL_STARTS: Readonly<Record<EngineKind, number>> = { gpu: 4, cpu: 2, simulated: 16 };

/** All engines of a plan: their start order, their changes and their common end. */
export class Fleet {
  readonly #deps: FleetDeps;
  readonly #policy: EnginePolicy;
  readonly #maker: EngineMaker;
  readonly #roster: Roster;
  readonly #turns = new RestartTurns(() => this.#roster.members.some(isServing));
  readonly #listeners = new Set<() => void>();
  readonly #stopping = new AbortController();
  #settings: LaunchSettings;
  #started = false;
  /** The change that is under way, or the last one. */
  #rollout: { readonly control: AbortController; readonly ended: Promise<Reconciliation> } | null = null;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.#policy = deps.policy ?? DEFAULT_POLICY;
    this.#settings = deps.launch;
    this.#maker = new EngineMaker(deps, {
      turns: this.#turns,
      policy: this.#policy,
      onChange: () => this.#changed(),
      onEvent: (event) => deps.onEngineEvent?.(event),
    });
    this.#roster = new Roster({
      maker: this.#maker,
      policy: this.#policy,
      queue: new PQueue({ concurrency: PARALLEL_STARTS[deps.placements[0]?.kind ?? 'simulated'] }),
      stopping: this.#stopping.signal,
      onGone: (engineId) => deps.rotation.remove(engineId),
    });
    const order = deps.placements.map(({ engineId }) => engineId);
    for (const placement of deps.placements) this.#roster.add(placement, this.#settings, order);
  }

  /**
   * Ends what a killed Chorus left, asks vLLM for its options, then starts the engines: on GPUs the first one alone,
   * since it fills the caches of compiled kernels that the others read, elsewhere a few at a time. Resolves when every
   * first start is ready or has failed, or a stop was asked for. Never rejects: what goes wrong shows in `status`.
   * `source` is where vLLM and the weights turned out to be, if not where `launch` says.
   */
  async start(source: EngineSource = this.#settings): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#settings = { ...this.#settings, ...source };
    process.once('exit', this.#killWithoutWaiting);
    const refusal = (await this.#maker.prepare()) ?? (await this.#clearLeftovers());
    if (refusal !== null) return this.refuse(refusal);
    await this.#learnFlags(this.#deps.placements);
    this.#started = true;
    const { members } = this.#roster;
    for (const { launch } of members) launch.settings = this.#settings;
    await this.#startAll(members);
  }

  /** Gives all engines up before any start, with the reason that their status shows. */
  refuse(failure: EngineFailure): void {
    for (const { engine } of this.#roster.members) void engine.refuse(failure);
  }

  /** Whether there is such an engine, be it one that goes. */
  has(engineId: string): boolean {
    return this.#roster.find(engineId) !== undefined;
  }

  /**
   * Takes an engine out of rotation, gives its streams `drainMs`, stops it, and leaves it stopped, also where its first
   * start or a restart was still to come. Rejects for one that does not exist, as the next two do.
   */
  async drain(engineId: string, drainMs: number): Promise<void> {
    await this.#roster.drain(this.#known(engineId), drainMs);
  }

  /** Starts an engine that was stopped or has failed; resolves when it is ready or this start has failed. */
  async startEngine(engineId: string): Promise<void> {
    const member = this.#known(engineId);
    this.#roster.release(member);
    await this.#roster.start(member);
  }

  /** Drains an engine and starts it again; resolves when it is ready or has failed, or was drained meanwhile. */
  async restart(engineId: string, drainMs: number): Promise<void> {
    const member = this.#known(engineId);
    this.#roster.release(member);
    await member.engine.stop(drainMs, this.#policy.termGraceMs);
    await this.#roster.start(member);
    await member.engine.decided();
  }

  /**
   * Takes cards, by their uuids, out of use: engines on them are killed at once and have failed with this failure, their
   * streams are closed so that they go on elsewhere, and nothing starts there until `uncordon`. Resolves when they are
   * gone.
   */
  cordon(gpuUuids: readonly string[], failure: EngineFailure): Promise<void> {
    return this.#roster.cordon(gpuUuids, failure);
  }

  /** Puts cards into use again; engines on them start when somebody asks for it. */
  uncordon(gpuUuids: readonly string[]): void {
    this.#roster.uncordon(gpuUuids);
  }

  /**
   * Makes the fleet what `target` says. Engines that are as wanted already are left alone; others are replaced, drained
   * for `drainMs` each, one after another where they serve. A newer call supersedes this one, once the engine that is
   * being stopped has gone. Never rejects.
   */
  reconcile(target: FleetTarget, drainMs: number): Promise<Reconciliation> {
    const earlier = this.#rollout;
    earlier?.control.abort();
    const control = new AbortController();
    const roll = async (): Promise<Reconciliation> => {
      await earlier?.ended;
      return this.#roll(target, drainMs, AbortSignal.any([control.signal, this.#stopping.signal]));
    };
    const ended = roll();
    this.#rollout = { control, ended };
    return ended;
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

  /** A snapshot, in the order of the plan; last those that go. */
  status(): EngineStatus[] {
    return this.#roster.everyone.map(({ engine }) => engine.status);
  }

  /** Calls `listener` whenever `status` shows something new; the returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #changed(): void {
    this.#turns.reconsider();
    for (const listener of this.#listeners) listener();
  }

  #known(engineId: string): Member {
    const member = this.#roster.find(engineId);
    if (member === undefined) throw new Error(`there is no engine ${engineId}`);
    return member;
  }

  async #startAll(members: readonly Member[]): Promise<void> {
    const [first] = members;
    const alone = first?.placement.kind === 'gpu' ? first : null;
    if (alone) {
      await this.#roster.start(alone);
      // What the first one finds to fit spares the others the same failure.
      if (alone.seat.isAdapted && alone.engine.status.phase === 'backoff') await this.#roster.start(alone);
    }
    await Promise.all(members.filter((member) => member !== alone).map((member) => this.#roster.start(member)));
  }

  async #roll({ placements, launch }: FleetTarget, drainMs: number, signal: AbortSignal): Promise<Reconciliation> {
    if (signal.aborted) return { kind: 'superseded' };
    this.#settings = { ...this.#settings, ...launch };
    if (this.#started) await this.#learnFlags(placements);
    return rollOut({
      roster: this.#roster,
      placements,
      settings: this.#settings,
      drainMs,
      started: this.#started,
      onChange: (listener) => this.onChange(listener),
      signal,
    });
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

  #learnFlags(placements: readonly Placement[]): Promise<void> {
    return this.#maker.learnFlags(this.#settings, placements, this.#stopping.signal);
  }

  async #end(endEngine: (engine: Engine) => Promise<void>): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#roster.everyone.map(({ engine }) => endEngine(engine)));
    process.off('exit', this.#killWithoutWaiting);
    this.#maker.removeSockets();
  }

  readonly #killWithoutWaiting = (): void => {
    for (const { engine } of this.#roster.everyone) engine.killWithoutWaiting();
    this.#maker.removeSockets();
  };
}
