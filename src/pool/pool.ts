import type { CancelTimer, Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import type { ModelId } from '../domain/model.ts';
import type { CloseCause, Endpoint, Replica, ReplicaActivity, Rotation } from '../domain/replica.ts';
import { replicaKey, selectReplica, type Need, type Outlook, type Selection } from './select.ts';

/** The right to run one request on one replica. Whoever acquired it calls `release`, however the request ended. */
export interface Lease {
  readonly replica: Replica;
  /** The pool asks the holder to end its stream now (engine stops); the holder still calls `release`. */
  onClose: ((cause: CloseCause, reason: string) => void) | null;
  /** Set while its client does not read: then nothing is expected of the engine. */
  waitsForClient: boolean;
  /** A read brought tokens. */
  noteRead(): void;
  release(): void;
}

export interface PoolOptions {
  readonly clock: Clock;
  /** How long a request may wait for a first replica before it is answered with 503. */
  readonly loadingWaitMs: number;
  /** What may become of a model without a replica; asked at every decision. */
  readonly outlook: (model: ModelId) => Outlook;
  /** A start of an engine (as `replicaKey`) has ended by itself. */
  readonly onEngineEnded: (replicaKey: string) => void;
}

/** An engine's place in the balancing; it outlasts the engine's restarts. */
interface Seat {
  /** The current start. */
  replica: Replica;
  /** Of all starts: a stream of an earlier one counts, and can be closed, until its holder gives the lease back. */
  readonly leases: Set<Lease>;
  /** The lease of a request that no other suspect may run beside. */
  suspect: Lease | null;
  lastChosen: number;
  /** Leases given to this engine so far, earlier starts included. */
  served: number;
  /** Reads that brought tokens so far, earlier starts included. */
  reads: number;
  /** Set once the replica is out of rotation: no new leases. */
  withdrawn: string | null;
  /** Set while it gets no leases because it asked for a pause. */
  cancelRest: CancelTimer | null;
  /** Called when the last lease ends. */
  readonly idleListeners: (() => void)[];
}

interface Waiter {
  readonly need: Need;
  readonly settle: (result: Lease | CodedError) => void;
  /** Ends a refusal's lingering; null while there is hope. */
  cancelLinger: CancelTimer | null;
}

/**
 * How long a request that every replica in rotation has failed waits for news of them: a vLLM whose engine process died
 * answers 503 within half a second, and health is asked for every second.
 */
const LINGER_MS = 2000;
/** `Retry-After` of a request that waited in vain, where no earlier start tells how long this one takes. */
const DEFAULT_RETRY_SECONDS = 10;
const MAX_RETRY_SECONDS = 600;

/** A replica's part in the balancing, for status pages. */
export interface SeatView {
  readonly engineId: string;
  readonly endpoint: Endpoint;
  readonly inFlight: number;
  /** Requests given to this engine so far, earlier starts included. */
  readonly served: number;
  readonly withdrawn: string | null;
}

/** All replicas in rotation, their requests in flight, and the requests that wait for one. */
export class Pool implements Rotation {
  readonly #options: PoolOptions;
  readonly #seats = new Map<string, Seat>();
  readonly #waiters = new Set<Waiter>();
  #leaseCount = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * A lease on the best replica for `need`, at once or when one becomes ready. Rejects with a `CodedError`: the input
   * is too long for every replica, no replica will come, or `loadingWaitMs` passed (with `Retry-After`). An aborted
   * `signal` rejects with its reason and leaves nothing behind.
   */
  acquire(need: Need, signal: AbortSignal): Promise<Lease> {
    const selection = this.#select(need);
    if (selection.kind === 'go') return Promise.resolve(this.#lease(selection.replica, need));
    return selection.kind === 'refuse' ? Promise.reject(selection.error) : this.#wait(need, signal);
  }

  admit(replica: Replica): void {
    const seat = this.#seats.get(replica.engineId);
    if (seat) {
      seat.replica = replica;
      seat.withdrawn = null;
    } else {
      const leases = new Set<Lease>();
      const counts = { lastChosen: 0, served: 0, reads: 0 };
      const state = { suspect: null, withdrawn: null, cancelRest: null, idleListeners: [] };
      const seat = { replica, leases, ...state, ...counts };
      this.#seats.set(replica.engineId, seat);
    }
    this.reconsider();
  }

  withdraw(engineId: string, reason: string): void {
    const seat = this.#seats.get(engineId);
    if (seat) seat.withdrawn ??= reason;
    this.reconsider();
  }

  /** No new request for `durationMs`; one that finds no other replica waits for that long. Harmless for an unknown one. */
  rest(engineId: string, durationMs: number): void {
    const seat = this.#seats.get(engineId);
    if (!seat) return;
    seat.cancelRest?.();
    seat.cancelRest = this.#options.clock.schedule(durationMs, () => {
      seat.cancelRest = null;
      this.reconsider();
    });
  }

  whenIdle(engineId: string): Promise<void> {
    const seat = this.#seats.get(engineId);
    if (!seat || seat.leases.size === 0) return Promise.resolve();
    return new Promise((resolve) => seat.idleListeners.push(resolve));
  }

  closeStreams(engineId: string, cause: CloseCause, reason: string): void {
    for (const lease of this.#seats.get(engineId)?.leases ?? []) lease.onClose?.(cause, reason);
  }

  died(engineId: string, generation: number): void {
    this.#options.onEngineEnded(replicaKey({ engineId, generation }));
  }

  activity(engineId: string): ReplicaActivity {
    const { leases = [], reads = 0 } = this.#seats.get(engineId) ?? {};
    let awaiting = 0;
    for (const { waitsForClient } of leases) if (!waitsForClient) awaiting++;
    return { awaiting, reads };
  }

  remove(engineId: string): void {
    this.#seats.get(engineId)?.cancelRest?.();
    this.#seats.delete(engineId);
    this.reconsider();
  }

  /** Looks at every waiting request again; call it when the outlook may have changed. */
  reconsider(): void {
    for (const waiter of this.#waiters) this.#reconsider(waiter);
  }

  /** The replica in rotation with the largest context window, for facts such as its size; null when there is none. */
  anyReady(model?: ModelId): Replica | null {
    const ready = [...this.#seats.values()]
      .filter(({ replica, withdrawn }) => withdrawn === null && (model === undefined || replica.model === model))
      .map(({ replica }) => replica);
    return ready.toSorted((a, b) => b.maxModelLen - a.maxModelLen)[0] ?? null;
  }

  /** Requests that wait for a replica. */
  get waiting(): number {
    return this.#waiters.size;
  }

  view(): SeatView[] {
    return [...this.#seats.values()].map(({ replica, leases, served, withdrawn }) => ({
      engineId: replica.engineId,
      endpoint: replica.endpoint,
      inFlight: leases.size,
      served,
      withdrawn,
    }));
  }

  #select(need: Need): Selection {
    const candidates = [...this.#seats.values()]
      .filter((seat) => seat.withdrawn === null)
      .map(({ replica, leases, suspect, lastChosen, cancelRest }) => ({
        replica,
        inFlight: leases.size,
        hasSuspect: suspect !== null,
        isResting: cancelRest !== null,
        lastChosen,
      }));
    return selectReplica(candidates, need, this.#options.outlook(need.model));
  }

  #reconsider(waiter: Waiter): void {
    const selection = this.#select(waiter.need);
    switch (selection.kind) {
      case 'go':
        return waiter.settle(this.#lease(selection.replica, waiter.need));
      case 'refuse':
        return waiter.settle(selection.error);
      case 'wait':
        waiter.cancelLinger?.();
        waiter.cancelLinger = null;
        return;
      case 'linger':
        waiter.cancelLinger ??= this.#options.clock.schedule(LINGER_MS, () => waiter.settle(selection.error));
    }
  }

  #lease({ engineId }: Replica, { isSuspect }: Need): Lease {
    const seat = this.#seats.get(engineId);
    if (!seat) throw new Error(`no seat of ${engineId}`);
    seat.lastChosen = ++this.#leaseCount;
    seat.served++;
    const lease: Lease = {
      replica: seat.replica,
      onClose: null,
      waitsForClient: false,
      noteRead: () => void seat.reads++,
      release: () => this.#release(seat, lease),
    };
    seat.leases.add(lease);
    if (isSuspect) seat.suspect = lease;
    return lease;
  }

  #release(seat: Seat, lease: Lease): void {
    if (!seat.leases.delete(lease)) return;
    if (seat.suspect === lease) {
      seat.suspect = null;
      this.reconsider();
    }
    if (seat.leases.size > 0) return;
    for (const notify of seat.idleListeners.splice(0)) notify();
  }

  #wait(need: Need, signal: AbortSignal): Promise<Lease> {
    const { clock, loadingWaitMs, outlook } = this.#options;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        need,
        cancelLinger: null,
        settle: (result) => {
          leave();
          if (result instanceof CodedError) reject(result);
          else resolve(result);
        },
      };
      const aborted = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      const cancelDeadline = clock.schedule(loadingWaitMs, () => waiter.settle(stillLoading(outlook(need.model))));
      const leave = (): void => {
        this.#waiters.delete(waiter);
        cancelDeadline();
        waiter.cancelLinger?.();
        signal.removeEventListener('abort', aborted);
      };
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiters.add(waiter);
      this.#reconsider(waiter);
    });
  }
}

/** An estimate that has run out says "soon": a second is honest then. */
function stillLoading({ sentence, leftMs }: Outlook): CodedError {
  const seconds = leftMs === null ? DEFAULT_RETRY_SECONDS : Math.max(1, Math.ceil(leftMs / 1000));
  const retryAfterSeconds = Math.min(MAX_RETRY_SECONDS, seconds);
  return new CodedError('still_loading', `No replica became ready in time. ${sentence}`, { retryAfterSeconds });
}
