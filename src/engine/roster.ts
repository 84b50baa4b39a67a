import type PQueue from 'p-queue';
import type { Placement } from '../domain/placement.ts';
import type { LaunchSettings } from './command.ts';
import type { EngineMaker, Member } from './engine-maker.ts';
import type { EngineFailure } from './failures.ts';
import type { EnginePolicy } from './policy.ts';

export interface RosterOptions {
  readonly maker: EngineMaker;
  readonly policy: EnginePolicy;
  /** Starts wait in it. */
  readonly queue: PQueue;
  /** From its abort on nothing is started. */
  readonly stopping: AbortSignal;
  /** An engine is gone for good. */
  readonly onGone: (engineId: string) => void;
}

/** Who belongs to the fleet, and who is on the way out; the only one who adds and removes. */
export class Roster {
  readonly #options: RosterOptions;
  #members: readonly Member[] = [];
  /** With the end of their going. */
  readonly #retiring = new Map<Member, Promise<void>>();
  /** Those that an operator has stopped: whatever waited to start them does not. */
  readonly #drained = new Set<Member>();
  /** Cards on which nothing may run, by their uuid. */
  readonly #cordoned = new Map<string, EngineFailure>();
  /** Starts so far under each name. */
  readonly #generations = new Map<string, number>();

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Those of the plan, in its order. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** The members, then those that go. */
  get everyone(): readonly Member[] {
    return [...this.#members, ...this.#retiring.keys()];
  }

  find(engineId: string): Member | undefined {
    return this.everyone.find(({ placement }) => placement.engineId === engineId);
  }

  /** A new member, not started. It stands where `order` (engine ids) has it. */
  add(placement: Placement, settings: LaunchSettings, order: readonly string[]): Member {
    const member = this.#options.maker.make(placement, settings, this.#generations.get(placement.engineId) ?? 0);
    const rank = (other: Member): number => order.indexOf(other.placement.engineId);
    this.#members = [...this.#members, member].toSorted((a, b) => rank(a) - rank(b));
    return member;
  }

  /** Stops a member for good: it starts only once `release` says so. */
  drain(member: Member, drainMs: number): Promise<void> {
    this.#drained.add(member);
    return member.engine.stop(drainMs, this.#options.policy.termGraceMs);
  }

  /** A drained member may start again. */
  release(member: Member): void {
    this.#drained.delete(member);
  }

  /** Starts a member in its turn, unless it has gone or was drained meanwhile. On cards that are out of use it fails. */
  async start(member: Member): Promise<void> {
    const { queue, stopping } = this.#options;
    await queue.add(async () => {
      if (stopping.aborted || !this.#members.includes(member) || this.#drained.has(member)) return;
      const cordon = member.placement.gpus.map(({ uuid }) => this.#cordoned.get(uuid)).find(Boolean);
      await (cordon ? member.engine.refuse(cordon) : member.engine.start());
    });
  }

  /** Drains and stops a member and forgets it; resolves when it is gone, also for one that goes already. */
  async retire(member: Member, drainMs: number): Promise<void> {
    const going = this.#retiring.get(member) ?? this.#retire(member, drainMs);
    this.#retiring.set(member, going);
    this.#members = this.#members.filter((other) => other !== member);
    await going;
    this.#retiring.delete(member);
  }

  /** Nothing may run on these cards: engines on them are killed, and start nowhere until `uncordon`. */
  async cordon(gpuUuids: readonly string[], failure: EngineFailure): Promise<void> {
    for (const uuid of gpuUuids) this.#cordoned.set(uuid, failure);
    const stricken = this.everyone.filter(({ placement }) =>
      placement.gpus.some(({ uuid }) => gpuUuids.includes(uuid)),
    );
    await Promise.all(stricken.map(({ engine }) => engine.refuse(failure)));
  }

  uncordon(gpuUuids: readonly string[]): void {
    for (const uuid of gpuUuids) this.#cordoned.delete(uuid);
  }

  async #retire(member: Member, drainMs: number): Promise<void> {
    const { maker, policy, onGone } = this.#options;
    const { engine, placement } = member;
    await engine.stop(drainMs, policy.termGraceMs);
    this.#generations.set(placement.engineId, engine.status.generation);
    this.#drained.delete(member);
    maker.drop(member);
    if (!this.#members.some((other) => other.placement.engineId === placement.engineId)) onGone(placement.engineId);
  }
}
