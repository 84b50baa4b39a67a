import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import {
  listUsage,
  totalUsage,
  type UsageList,
  type UsageObject,
  type UsageTotalsObject,
} from '../ledger/usage-objects.ts';
import { MAX_LIMIT } from '../ledger/usage-query.ts';
import { openResponseStore } from '../store/open-response-store.ts';
import type { UsageDimension, UsageFilter } from '../store/usage-ledger.ts';
import { systemClock } from '../system/clock.ts';
import { livingServer } from '../system/state-directory.ts';
import { askServer } from './server-client.ts';

/** The ledger of a state directory, whoever has it open. */
export interface UsageSource {
  page(filter: UsageFilter, after: number): Promise<UsageList>;
  totals(filter: UsageFilter, by: readonly UsageDimension[]): Promise<UsageTotalsObject>;
  close(): Promise<void>;
}

/** Adding up a long ledger takes its time. */
const TIMEOUT_MS = 120_000;

/** The running server's, or that of the store itself where no server runs. Throws a `Refusal` where there is neither. */
export async function openUsageSource(stateDir: string): Promise<UsageSource> {
  return livingServer(stateDir) === null ? storeSource(stateDir) : serverSource(stateDir);
}

/** All rows of the filter, page by page. */
export async function* usageRows(source: UsageSource, filter: UsageFilter): AsyncGenerator<UsageObject> {
  for (let after = 0, hasMore = true; hasMore;) {
    const page = await source.page(filter, after);
    yield* page.data;
    hasMore = page.has_more;
    after = page.next_cursor;
  }
}

function serverSource(stateDir: string): UsageSource {
  const ask = <T>(filter: UsageFilter, more: Readonly<Record<string, string>>): Promise<T> =>
    askServer<T>(stateDir, 'GET', `/admin/usage?${queryOf(filter, more)}`, TIMEOUT_MS);
  return {
    page: (filter, after) => ask<UsageList>(filter, { after: String(after), limit: String(MAX_LIMIT) }),
    totals: (filter, by) => ask<UsageTotalsObject>(filter, { by: by.join(',') }),
    close: async () => {},
  };
}

function queryOf({ sinceMs, untilMs, project, keyId }: UsageFilter, more: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(more);
  if (sinceMs !== null) query.set('since', new Date(sinceMs).toISOString());
  if (untilMs !== null) query.set('until', new Date(untilMs).toISOString());
  if (project !== null) query.set('project', project);
  if (keyId !== null) query.set('key', keyId);
  return query.toString();
}

async function storeSource(stateDir: string): Promise<UsageSource> {
  const directory = join(stateDir, 'store');
  if (!existsSync(join(directory, 'store.db'))) {
    const message = `No usage is recorded in ${stateDir}: no Chorus that keeps anything has run with it.`;
    throw new Refusal('unavailable', message);
  }
  const opening = await openResponseStore({ directory, clock: systemClock });
  if (opening.kind === 'refused') {
    throw new Refusal('unavailable', `${opening.problem.message} ${opening.problem.remedy}`);
  }
  const { store } = opening;
  return {
    page: (filter, after) => listUsage(store.usage, { filter, after, limit: MAX_LIMIT }),
    totals: (filter, by) => totalUsage(store.usage, filter, by),
    close: () => store.close(),
  };
}
