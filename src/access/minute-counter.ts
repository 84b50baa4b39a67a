import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { MAX_LIMIT } from '../domain/limits.ts';

/** What was used of a minute. */
export interface MinuteUsage {
  readonly used: number;
  /** To the minute's end; 0 where none has begun. */
  readonly leftMs: number;
}

const MINUTE_SECONDS = 60;

/**
 * Counts by name within a minute that begins with the first use and ends all at once. It compares with no limit: limits
 * change while a minute goes on. A change counts from the call on, before its promise resolves.
 */
export class MinuteCounter {
  readonly #counter = new RateLimiterMemory({ points: MAX_LIMIT, duration: MINUTE_SECONDS });

  /** Adds an amount, which may be negative: then it is given back. */
  async add(name: string, amount: number): Promise<MinuteUsage> {
    return usageOf(await this.#counter.penalty(name, amount));
  }

  async usage(name: string): Promise<MinuteUsage> {
    return usageOf(await this.#counter.get(name));
  }
}

/** A minute that has ended may still be remembered, and a clock that was set back makes none longer. */
function usageOf(result: RateLimiterRes | null): MinuteUsage {
  if (result === null || result.msBeforeNext <= 0) return { used: 0, leftMs: 0 };
  return { used: Math.max(0, result.consumedPoints), leftMs: Math.min(result.msBeforeNext, MINUTE_SECONDS * 1000) };
}
