import type { CancelTimer, Clock } from '../domain/clock.ts';
import type { PendingWrite, StoreFailure, WriteOutcome } from './messages.ts';
import { type CommitReport, StoreError, type StoreErrorCode } from './response-store.ts';

export interface WriteLimits {
  /** How long the first change of a group waits for others. */
  readonly groupDelayMs: number;
  /** A group of so many changes waits no longer. */
  readonly groupSize: number;
  /** Changes that are not on the disk yet hold at most so many bytes; a put beyond that is refused. */
  readonly maxPendingBytes: number;
}

export interface QueuedWrite {
  readonly write: PendingWrite;
  /** What it holds in memory while it waits. */
  readonly bytes: number;
  /** What it changes, in any words that reads use too. */
  readonly touches: readonly string[];
}

interface Waiting extends QueuedWrite {
  readonly resolve: (removed: number) => void;
  readonly reject: (error: unknown) => void;
}

type Commit = (writes: readonly PendingWrite[]) => Promise<readonly WriteOutcome[]>;

const noTimer = (): void => {};

/** Gathers changes into groups, each of them one transaction: a disk syncs a group as fast as one change. */
export class WriteQueue {
  readonly #commit: Commit;
  readonly #clock: Clock;
  readonly #limits: WriteLimits;
  #group: Waiting[] = [];
  readonly #touched = new Set<string>();
  #cancelTimer: CancelTimer = noTimer;
  #pendingBytes = 0;
  #pendingWrites = 0;
  /** Told of every group whose end is known. */
  onCommit: (report: CommitReport) => void = () => {};

  constructor(commit: Commit, clock: Clock, limits: WriteLimits) {
    this.#commit = commit;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Changes whose end is not known yet. */
  get pendingWrites(): number {
    return this.#pendingWrites;
  }

  /** Resolves with how many responses the change removed, when it is committed. Rejects with a `StoreError`. */
  add(queued: QueuedWrite): Promise<number> {
    const { groupDelayMs, groupSize, maxPendingBytes } = this.#limits;
    if (queued.bytes > 0 && this.#pendingBytes + queued.bytes > maxPendingBytes) {
      const message = `The disk does not keep up: ${this.#pendingBytes} bytes wait for it.`;
      return Promise.reject(new StoreError('overloaded', message));
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#pendingBytes += queued.bytes;
    this.#pendingWrites++;
    this.#group.push({ ...queued, resolve, reject });
    for (const touched of queued.touches) this.#touched.add(touched);
    if (this.#group.length >= groupSize) this.flush();
    else if (this.#group.length === 1) this.#cancelTimer = this.#clock.schedule(groupDelayMs, () => this.flush());
    return promise;
  }

  /** Call it before a read of these: hands on the group if it changes one of them, so that the read comes behind it. */
  flushIfTouched(wanted: readonly string[]): void {
    if (wanted.some((key) => this.#touched.has(key))) this.flush();
  }

  /** Hands on what has gathered, without waiting for more. */
  flush(): void {
    this.#cancelTimer();
    const group = this.#group;
    this.#group = [];
    this.#touched.clear();
    if (group.length > 0) void this.#commitGroup(group);
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    const beganMs = this.#clock.monotonicMs();
    const results = await this.#settleGroup(group);
    this.onCommit({ durationMs: this.#clock.monotonicMs() - beganMs, results });
  }

  async #settleGroup(group: readonly Waiting[]): Promise<CommitReport['results']> {
    try {
      const outcomes = await this.#commit(group.map(({ write }) => write));
      return group.map((waiting, index) => settle(waiting, outcomes[index]));
    } catch (thrown) {
      for (const { reject } of group) reject(thrown);
      return group.map(() => (thrown instanceof StoreError ? thrown.code : 'failed'));
    } finally {
      for (const { bytes } of group) this.#pendingBytes -= bytes;
      this.#pendingWrites -= group.length;
    }
  }
}

function settle({ resolve, reject }: Waiting, outcome: WriteOutcome | undefined): 'ok' | StoreErrorCode {
  if (outcome !== undefined && 'removed' in outcome) {
    resolve(outcome.removed);
    return 'ok';
  }
  const { code, message } = outcome?.failure ?? LOST;
  reject(new StoreError(code, message));
  return code;
}

const LOST: StoreFailure = { code: 'failed', message: 'The store has lost the outcome of a change.' };
