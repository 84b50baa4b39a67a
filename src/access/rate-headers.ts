import { MAX_LIMIT } from '../domain/limits.ts';
import { CodedError } from '../domain/errors.ts';

/** How far a limit is used up. */
export interface LimitState {
  /** What it holds for, as it stands in a sentence. */
  readonly holder: 'key' | 'project';
  readonly limit: number;
  readonly used: number;
  /** Until it can be used in full. */
  readonly resetMs: number;
}

/** What the answers of a limited caller say, as OpenAI's do. */
export type RateHeaders = Readonly<Record<`x-ratelimit-${'limit' | 'remaining' | 'reset'}-${Measure}`, string>>;
type Measure = 'requests' | 'tokens';

const UNLIMITED: LimitState = { holder: 'project', limit: MAX_LIMIT, used: 0, resetMs: 0 };
const remaining = ({ limit, used }: LimitState): number => Math.max(0, limit - used);

/**
 * The headers for the limits that hold: of several on one thing those of the tightest, and where there is none the
 * largest limit that can be set, so that a client that paces itself finds all six.
 */
export function rateHeaders(requests: readonly LimitState[], tokens: readonly LimitState[]): RateHeaders {
  const request = tightest(requests);
  const token = tightest(tokens);
  return {
    'x-ratelimit-limit-requests': String(request.limit),
    'x-ratelimit-limit-tokens': String(token.limit),
    'x-ratelimit-remaining-requests': String(remaining(request)),
    'x-ratelimit-remaining-tokens': String(remaining(token)),
    'x-ratelimit-reset-requests': duration(request.resetMs),
    'x-ratelimit-reset-tokens': duration(token.resetMs),
  };
}

function tightest(states: readonly LimitState[]): LimitState {
  return states.reduce((least, state) => (remaining(state) < remaining(least) ? state : least), UNLIMITED);
}

/** The refusal of a request for which nothing is left of a limit, with the wait in the words that clients look for. */
export function rateLimited(what: string, { holder, limit, resetMs }: LimitState): CodedError {
  const waitMs = Math.max(1, Math.ceil(resetMs));
  const message = `Rate limit reached for this ${holder} (${what}: ${limit}). Please try again in ${seconds(waitMs)}.`;
  return new CodedError('rate_limited', message, { retryAfterSeconds: Math.ceil(waitMs / 1000) });
}

const MINUTE_MS = 60_000;

/** As OpenAI writes them: `120ms`, `1.5s`, `6m0s`. */
export function duration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < MINUTE_MS) return whole === 0 ? '0s' : seconds(whole);
  return `${Math.floor(whole / MINUTE_MS)}m${(whole % MINUTE_MS) / 1000}s`;
}

const seconds = (ms: number): string => (ms < 1000 ? `${ms}ms` : `${ms / 1000}s`);
