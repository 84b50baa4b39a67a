import { sleep, type Clock } from '../domain/clock.ts';

const SECOND_MS = 1000;
/** Balancers ask every 5 to 30 seconds. */
const WATCHED_MS = 30 * SECOND_MS;
/** A balancer that asks every 5 seconds hears of it once. */
const NOTICE_MS = 5 * SECOND_MS;

/** How far the end of Chorus is: begun, refusing requests, in a hurry. */
export class Ending {
  readonly #clock: Clock;
  readonly #begun = new AbortController();
  readonly #hurry = new AbortController();
  #isRefusing = false;
  #readinessAskedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Aborts when the end begins. */
  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  readonly isClosing = (): boolean => this.#begun.signal.aborted;

  /** No more requests are begun. */
  readonly isRefusing = (): boolean => this.#isRefusing;

  /** Nobody is waited for any more. */
  get isHurried(): boolean {
    return this.#hurry.signal.aborted;
  }

  /** Somebody, such as a load balancer, has asked whether Chorus is ready. */
  noteReadinessAsked(): void {
    this.#readinessAskedMs = this.#clock.monotonicMs();
  }

  begin(): void {
    this.#begun.abort();
  }

  hurry(): void {
    this.#hurry.abort();
  }

  /**
   * Lets requests in for another while where somebody watches readiness, so that its 503 comes before the first
   * refusal; then refuses them. Gives what is left of the drain: the notice is a part of it.
   */
  async giveNotice(drainMs: number): Promise<number> {
    const noticeMs = drainNoticeMs(this.#clock.monotonicMs() - this.#readinessAskedMs, drainMs);
    if (noticeMs > 0) await sleep(this.#clock, noticeMs, this.#hurry.signal);
    this.#isRefusing = true;
    return this.isHurried ? 0 : drainMs - noticeMs;
  }
}

/**
 * How long requests are still taken after the end was asked for. `sinceAskedMs` is the age of the last question for
 * readiness, Infinity without one: where nobody watches, nothing is waited for.
 */
export function drainNoticeMs(sinceAskedMs: number, drainMs: number): number {
  return sinceAskedMs > WATCHED_MS ? 0 : Math.min(NOTICE_MS, drainMs / 3);
}
