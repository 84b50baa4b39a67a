import type { EngineFailure } from './failures.ts';

export interface RestartPolicy {
  /** Waiting time after the first failure; doubles with each further one in a row. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** An engine that served this long has recovered: its earlier failures no longer count. */
  readonly resetAfterServingMs: number;
  /** So many failures in a row and it is given up. */
  readonly maxFailuresInARow: number;
  /** Collisions in a row that are retried at once and not counted. */
  readonly maxFreeRetries: number;
}

/** What is remembered from start to start. */
export interface RestartHistory {
  readonly failuresInARow: number;
  readonly freeRetries: number;
  /** Restarts in all, for status pages. */
  readonly restarts: number;
  readonly lastFailure: EngineFailure | null;
}

export const FRESH_HISTORY: RestartHistory = { failuresInARow: 0, freeRetries: 0, restarts: 0, lastFailure: null };

export type RestartDecision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly kind: 'give_up'; readonly failure: EngineFailure; readonly history: RestartHistory };

export interface RestartQuestion {
  readonly failure: EngineFailure;
  readonly history: RestartHistory;
  /** How long this start served, or null when it never became ready. */
  readonly servedMs: number | null;
  /** Uniform in [0, 1): spreads restarts that were caused by one event. */
  readonly random: number;
}

/**
 * Whether and when to start again. Never after a failure that would repeat itself; at once after a collision; else
 * after `firstDelayMs` · 2^(n−1) but at most `maxDelayMs`, of which a random half may be saved.
 */
export function decideRestart(
  { failure, history, servedMs, random }: RestartQuestion,
  policy: RestartPolicy,
): RestartDecision {
  const recovered = servedMs !== null && servedMs >= policy.resetAfterServingMs;
  const before = { ...(recovered ? { ...history, failuresInARow: 0, freeRetries: 0 } : history), lastFailure: failure };
  if (failure.retry === 'never') return { kind: 'give_up', failure, history: before };
  if (failure.retry === 'at_once' && before.freeRetries < policy.maxFreeRetries) {
    const history = { ...before, freeRetries: before.freeRetries + 1, restarts: before.restarts + 1 };
    return { kind: 'retry', delayMs: 0, history };
  }
  const failuresInARow = before.failuresInARow + 1;
  if (failuresInARow >= policy.maxFailuresInARow) {
    const message = `given up after ${failuresInARow} failures in a row; the last: ${failure.message}`;
    return { kind: 'give_up', failure: { ...failure, message }, history: { ...before, failuresInARow } };
  }
  const fullMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (failuresInARow - 1));
  const delayMs = Math.round(fullMs * (1 - random / 2));
  return { kind: 'retry', delayMs, history: { ...before, failuresInARow, restarts: before.restarts + 1 } };
}
