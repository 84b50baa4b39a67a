/** How much may be asked for; null: as much as there is. */
export interface Limits {
  /** Requests that begin a turn. */
  readonly requestsPerMinute: number | null;
  /** Tokens of prompts and of outputs, cached ones included. */
  readonly tokensPerMinute: number | null;
  /** Requests whose answer has not ended. */
  readonly concurrent: number | null;
}

export const NO_LIMITS: Limits = { requestsPerMinute: null, tokensPerMinute: null, concurrent: null };

/** The largest limit that can be set. */
export const MAX_LIMIT = 1_000_000_000;

/** The limits of `own`, and those of `rest` where it has none. */
export function limitsOver(own: Limits, rest: Limits): Limits {
  return {
    requestsPerMinute: own.requestsPerMinute ?? rest.requestsPerMinute,
    tokensPerMinute: own.tokensPerMinute ?? rest.tokensPerMinute,
    concurrent: own.concurrent ?? rest.concurrent,
  };
}

/** Whether anything is limited. */
export function isLimited({ requestsPerMinute, tokensPerMinute, concurrent }: Limits): boolean {
  return requestsPerMinute !== null || tokensPerMinute !== null || concurrent !== null;
}
