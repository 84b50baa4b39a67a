import type {
  UsageDimension,
  UsageEntry,
  UsageFilter,
  UsageLedger,
  UsagePageQuery,
  UsageTotal,
} from '../store/usage-ledger.ts';

/** One request, as HTTP, the exports and the webhook tell of it. */
export interface UsageObject {
  /** Where it stands in the ledger. */
  readonly position: number;
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly ended_at: string;
  readonly project: string;
  readonly key: string | null;
  readonly api: string;
  readonly model: string;
  readonly stream: boolean;
  readonly outcome: string;
  readonly error: string | null;
  readonly simulated: boolean;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly first_output_ms: number | null;
  readonly duration_ms: number;
}

export interface UsageList {
  readonly object: 'list';
  readonly data: readonly UsageObject[];
  readonly has_more: boolean;
  /** The `after` of the next page, or of the rows that are still to come. */
  readonly next_cursor: number;
}

/** Requests added up, beside the value of each dimension under its name. */
export interface UsageTotalObject {
  readonly [dimension: string]: string | number | null;
  readonly requests: number;
  readonly failed: number;
  readonly aborted: number;
  readonly simulated: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
}

export interface UsageTotalsObject {
  readonly object: 'usage.totals';
  readonly by: readonly UsageDimension[];
  readonly data: readonly UsageTotalObject[];
}

export function usageObject(entry: UsageEntry): UsageObject {
  return {
    position: entry.position,
    id: entry.id,
    ended_at: new Date(entry.endedAtMs).toISOString(),
    project: entry.project,
    key: entry.keyId,
    api: entry.api,
    model: entry.model,
    stream: entry.isStream,
    outcome: entry.outcome,
    error: entry.error,
    simulated: entry.isSimulated,
    input_tokens: entry.inputTokens,
    cached_tokens: entry.cachedTokens,
    output_tokens: entry.outputTokens,
    reasoning_tokens: entry.reasoningTokens,
    first_output_ms: entry.firstOutputMs,
    duration_ms: entry.durationMs,
  };
}

export async function listUsage(ledger: UsageLedger, query: UsagePageQuery): Promise<UsageList> {
  const { rows, hasMore } = await ledger.page(query);
  const next = rows.at(-1)?.position ?? query.after;
  return { object: 'list', data: rows.map(usageObject), has_more: hasMore, next_cursor: next };
}

export async function totalUsage(
  ledger: UsageLedger,
  filter: UsageFilter,
  by: readonly UsageDimension[],
): Promise<UsageTotalsObject> {
  const totals = await ledger.totals(filter, by);
  return { object: 'usage.totals', by, data: totals.map((total) => totalObject(total, by)) };
}

function totalObject(total: UsageTotal, by: readonly UsageDimension[]): UsageTotalObject {
  return {
    ...Object.fromEntries(by.map((dimension, index) => [dimension, total.group[index] ?? null])),
    requests: total.requests,
    failed: total.failed,
    aborted: total.aborted,
    simulated: total.simulated,
    input_tokens: total.inputTokens,
    cached_tokens: total.cachedTokens,
    output_tokens: total.outputTokens,
    reasoning_tokens: total.reasoningTokens,
  };
}
