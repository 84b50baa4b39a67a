import { type Clock, sleep } from '../domain/clock.ts';
import type { GpuMemory, GpuMemoryReader } from '../domain/gpu.ts';
import type { Placement } from '../domain/placement.ts';
import { MiB } from '../domain/units.ts';
import type { EngineEvent } from './engine-state.ts';
import { memoryHeld } from './failures.ts';
import type { EnginePolicy } from './policy.ts';

/** What a card may hold beyond what it held before the engine's first start, and count as free again. */
const TOLERANCE_BYTES = 500 * MiB;
/** vLLM's own share where none is set (`--gpu-memory-utilization`). */
const DEFAULT_SHARE = 0.92;
/** Looks in a row: the driver gives back a dead engine's memory in pieces. */
const BACK_LOOKS = 2;
/** The same where others have come meanwhile but leave the room that the engine asks for. */
const ROOM_LOOKS = 10;

/** How a card looks to an engine that wants to start: as before its first start, changed but with room, or full. */
type CardState = 'back' | 'room' | 'held';

/** The memory of one engine's cards between its starts; cards belong to one engine. */
export class CardMemory {
  readonly #placement: Placement;
  readonly #read: GpuMemoryReader;
  readonly #clock: Clock;
  readonly #policy: EnginePolicy;
  /** Used bytes by card before the first start; null until then. */
  #baseline: ReadonlyMap<string, number> | null = null;

  constructor(placement: Placement, read: GpuMemoryReader, clock: Clock, policy: EnginePolicy) {
    this.#placement = placement;
    this.#read = read;
    this.#clock = clock;
    this.#policy = policy;
  }

  /**
   * Looks until the cards are free for a start, or the deadline is over. Never rejects; where nvidia-smi does not answer
   * or does not tell of these cards nothing can be waited for. An abort of `signal` ends it with a meaningless answer.
   */
  async untilFree(signal: AbortSignal): Promise<EngineEvent> {
    const endMs = this.#clock.monotonicMs() + this.#policy.memoryDeadlineMs;
    const first = this.#baseline === null;
    let [back, room] = [0, 0];
    for (;;) {
      const cards = await this.#readCards();
      if (cards === null) return { kind: 'memory_free' };
      const state = cardState(cards, this.#baseline, this.#placement.profile.gpuMemoryUtilization ?? DEFAULT_SHARE);
      back = state === 'back' ? back + 1 : 0;
      room = state === 'held' ? 0 : room + 1;
      if (back >= BACK_LOOKS || room >= (first ? 1 : ROOM_LOOKS)) {
        this.#baseline ??= new Map(cards.map(({ uuid, usedBytes }) => [uuid, usedBytes]));
        return { kind: 'memory_free' };
      }
      // One who looks free is looked at until that is certain, however long a look takes.
      const isLate = state === 'held' && this.#clock.monotonicMs() >= endMs;
      if (signal.aborted || isLate) return { kind: 'memory_held', failure: holders(cards) };
      await sleep(this.#clock, this.#policy.memoryPollMs, signal);
    }
  }

  /** Null unless every one of them is told. */
  async #readCards(): Promise<readonly GpuMemory[] | null> {
    const uuids = this.#placement.gpus.map(({ uuid }) => uuid);
    const own = (await this.#read())?.filter(({ uuid }) => uuids.includes(uuid)) ?? [];
    return own.length === uuids.length ? own : null;
  }
}

/** The worst of the cards. */
function cardState(
  cards: readonly GpuMemory[],
  baseline: ReadonlyMap<string, number> | null,
  share: number,
): CardState {
  const isBack = ({ uuid, usedBytes }: GpuMemory): boolean => {
    const before = baseline?.get(uuid);
    return before !== undefined && usedBytes <= before + TOLERANCE_BYTES;
  };
  const hasRoom = ({ usedBytes, freeBytes }: GpuMemory): boolean => freeBytes >= share * (usedBytes + freeBytes);
  if (cards.every(isBack)) return 'back';
  return cards.every((card) => isBack(card) || hasRoom(card)) ? 'room' : 'held';
}

function holders(cards: readonly GpuMemory[]): ReturnType<typeof memoryHeld> {
  const used = cards.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  return memoryHeld(
    used,
    cards.flatMap(({ processes }) => processes),
  );
}
