import { DAY_MS } from '../domain/units.ts';
import type { UsageDimension, UsageSums, UsageTotal } from './usage-ledger.ts';
import type { UsagePart } from './usage.ts';

const VALUES: Readonly<Record<UsageDimension, (part: UsagePart) => string | null>> = {
  project: ({ project }) => project,
  key: ({ keyId }) => keyId,
  day: ({ day }) => new Date(day * DAY_MS).toISOString().slice(0, 10),
  model: ({ model }) => model,
  api: ({ api }) => api,
};

const NOTHING: UsageSums = {
  requests: 0,
  failed: 0,
  aborted: 0,
  simulated: 0,
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** Adds up what many looks at the ledger bring. */
export class UsageTotals {
  readonly #by: readonly UsageDimension[];
  readonly #totals = new Map<string, UsageTotal>();

  constructor(by: readonly UsageDimension[]) {
    this.#by = by;
  }

  add(parts: readonly UsagePart[]): void {
    for (const part of parts) {
      const group = this.#by.map((dimension) => VALUES[dimension](part));
      const key = JSON.stringify(group);
      this.#totals.set(key, { group, ...sum(this.#totals.get(key) ?? NOTHING, part) });
    }
  }

  /** Ordered by the values of the dimensions; without dimensions one total, of nothing too. */
  list(): UsageTotal[] {
    if (this.#by.length === 0 && this.#totals.size === 0) return [{ group: [], ...NOTHING }];
    return [...this.#totals.values()].toSorted(byGroup);
  }
}

function sum(a: UsageSums, b: UsageSums): UsageSums {
  return {
    requests: a.requests + b.requests,
    failed: a.failed + b.failed,
    aborted: a.aborted + b.aborted,
    simulated: a.simulated + b.simulated,
    inputTokens: a.inputTokens + b.inputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}

function byGroup({ group: a }: UsageTotal, { group: b }: UsageTotal): number {
  const differing = a.findIndex((value, index) => value !== b[index]);
  return (a[differing] ?? '') < (b[differing] ?? '') ? -1 : 1;
}
