import type { EngineFailure } from './failures.ts';

export interface RestartPolicy {
  /** Waiting time after the first failure; doubles with each further one in a row. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** An engine that served this long has recovered: its earlier failures no longer count. */
  readonly resetAfterServingMs: number;
  /** So many failures in a row and it is given up, or, once it has served, tried at the longest delay only. */
  readonly maxFailuresInARow: number;
  /** Collisions in a row that are retried at once and not counted. */
  readonly maxFreeRetries: number;
}

/** What is remembered from start to start. */
export interface RestartHistory {
  readonly failuresInARow: number;
  readonly freeRetries: number;
  /** A start of it was ready once: this machine, with these flags, can run it. */
  readonly hasServed: boolean;
  /** Restarts in all, for status pages. */
  readonly restarts: number;
  readonly lastFailure: EngineFailure | null;
}

export const FRESH_HISTORY: RestartHistory = {
  failuresInARow: 0,
  freeRetries: 0,
  hasServed: false,
  restarts: 0,
  lastFailure: null,
};

export type RestartDecision =
  | {
      readonly kind: 'retry';
      /** What happened, as people are told. */
      readonly failure: EngineFailure;
      readonly delayMs: number;
      readonly history: RestartHistory;
    }
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
 * Whether and when to start again. At once after a collision; else after `firstDelayMs` · 2^(n−1) but at most
 * `maxDelayMs`, of which a random half may be saved. Never after a start that failed and would fail again, and after
 * `maxFailuresInARow` only when it has served before: giving up a working server for good would need a person at night.
 * Nor is what others stand in the way of given up.
 * A crash while serving is no failed start, whatever its log says.
 */
export function decideRestart(
  { failure, history, servedMs, random }: RestartQuestion,
  policy: RestartPolicy,
): RestartDecision {
  const before = recall(history, failure, servedMs, policy);
  if (failure.retry === 'never' && servedMs === null) return { kind: 'give_up', failure, history: before };
  if (failure.retry === 'at_once' && before.freeRetries < policy.maxFreeRetries) {
    const history = { ...before, freeRetries: before.freeRetries + 1, restarts: before.restarts + 1 };
    return { kind: 'retry', failure, delayMs: 0, history };
  }
  const failuresInARow = before.failuresInARow + 1;
  const budgetSpent = failuresInARow >= policy.maxFailuresInARow;
  if (budgetSpent && !before.hasServed && failure.retry !== 'patiently') {
    const message = `given up after ${failuresInARow} failures in a row; the last: ${failure.message}`;
    return { kind: 'give_up', failure: { ...failure, message }, history: { ...before, failuresInARow } };
  }
  const doubledMs = policy.firstDelayMs * 2 ** (failuresInARow - 1);
  const fullMs = budgetSpent ? policy.maxDelayMs : Math.min(policy.maxDelayMs, doubledMs);
  return {
    kind: 'retry',
    failure: budgetSpent
      ? { ...failure, message: `${failuresInARow} failures in a row; the last: ${failure.message}` }
      : failure,
    delayMs: Math.round(fullMs * (1 - random / 2)),
    history: { ...before, failuresInARow, restarts: before.restarts + 1 },
  };
}

/** What counts of the past when a start has just ended with `failure`. */
function recall(
  history: RestartHistory,
  failure: EngineFailure,
  servedMs: number | null,
  { resetAfterServingMs }: RestartPolicy,
): RestartHistory {
  const recovered = servedMs !== null && servedMs >= resetAfterServingMs;
  const counts = recovered ? { failuresInARow: 0, freeRetries: 0 } : {};
  return { ...history, ...counts, hasServed: history.hasServed || servedMs !== null, lastFailure: failure };
}
