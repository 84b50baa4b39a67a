import { sleep, type Clock } from '../domain/clock.ts';
import type { UsageLedger } from '../store/usage-ledger.ts';
import { usageBatch, type UsageBatch } from './usage-batch.ts';
import { WebhookPost, type WebhookTarget } from './webhook-post.ts';

export interface UsageWebhookDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly ledger: Pick<UsageLedger, 'page' | 'markDelivered'>;
  /** Up to where everything was delivered in earlier lives. Rejects with a `StoreError`. */
  readonly readDelivered: () => Promise<number>;
  /** Null where nothing is to be posted. */
  readonly target: () => WebhookTarget | null;
  /** Told of every attempt that failed, and why. */
  readonly onFailure: (reason: string) => void;
}

/** How it goes with the receiver. */
export interface WebhookStatus {
  /** Why the last attempt failed; null where it did not. */
  readonly problem: string | null;
  /** Attempts in a row that failed. */
  readonly failures: number;
  /** When it is tried again, in Unix milliseconds; null while there is no need to wait. */
  readonly nextAttemptMs: number | null;
}

const BATCH_ROWS = 200;
/** How long a row waits for others to be posted with. */
const IDLE_MS = 1000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60_000;
const WELL: WebhookStatus = { problem: null, failures: 0, nextAttemptMs: null };
const EVERYTHING = { sinceMs: null, untilMs: null, project: null, keyId: null };

/**
 * Posts every row of the ledger at least once and in order: a batch goes until it is taken, and only then the next. How
 * far it came is in the store. It reads the ledger for itself and shares nothing with whoever writes there, so that a
 * receiver holds up nobody.
 */
export class UsageWebhook {
  readonly #deps: UsageWebhookDeps;
  readonly #post: WebhookPost;
  readonly #stopped = new AbortController();
  #running: Promise<void> | null = null;
  /** Where the next batch begins; null until the store has told. */
  #delivered: number | null = null;
  /** Sent as it is until it is taken: its id promises the same rows. */
  #batch: UsageBatch | null = null;
  #status = WELL;

  constructor(deps: UsageWebhookDeps) {
    this.#deps = deps;
    this.#post = new WebhookPost(deps.clock);
  }

  /** Null where nothing is to be posted. */
  get status(): WebhookStatus | null {
    return this.#deps.target() === null ? null : this.#status;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Breaks off what is being sent; it is sent again after the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#post.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const target = this.#deps.target();
      const waitMs = target === null ? IDLE_MS : await this.#deliver(target);
      if (waitMs > 0) await sleep(this.#deps.clock, waitMs, signal);
    }
  }

  /** Delivers what is next; returns how long to wait then. */
  async #deliver(target: WebhookTarget): Promise<number> {
    try {
      this.#batch ??= await this.#nextBatch();
      if (this.#batch === null) return IDLE_MS;
      const problem = await this.#post.send(target, this.#batch, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return 0;
      if (problem !== null) return this.#failed(problem);
      const { position, rows } = this.#batch;
      this.#delivered = position;
      this.#batch = null;
      this.#status = WELL;
      await this.#deps.ledger.markDelivered(position);
      return rows === BATCH_ROWS ? 0 : IDLE_MS;
    } catch (error) {
      return this.#failed((error as Error).message);
    }
  }

  async #nextBatch(): Promise<UsageBatch | null> {
    this.#delivered ??= await this.#deps.readDelivered();
    const { rows } = await this.#deps.ledger.page({ filter: EVERYTHING, after: this.#delivered, limit: BATCH_ROWS });
    return rows.length === 0 ? null : usageBatch(rows);
  }

  /** Waits grow, and differ, so that many servers do not come back to a receiver all at once. */
  #failed(problem: string): number {
    const { clock, random, onFailure } = this.#deps;
    const longestMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#status.failures, 20));
    const waitMs = longestMs * (0.5 + random() / 2);
    this.#status = { problem, failures: this.#status.failures + 1, nextAttemptMs: clock.nowMs() + waitMs };
    onFailure(problem);
    return waitMs;
  }
}
