import { expect, it } from 'vitest';
import { DAY_MS } from '../../src/domain/units.ts';
import type { ResponseStore } from '../../src/store/response-store.ts';
import type { UsageFilter, UsagePage, UsageRow } from '../../src/store/usage-ledger.ts';
import { codeOf, NOW_MS, response, type StoreUnderTest, turn, usageRow } from '../support/store-bench.ts';

const ALL: UsageFilter = { sinceMs: null, untilMs: null, project: null, keyId: null };

const add = (store: ResponseStore, ...rows: readonly Partial<UsageRow>[]): Promise<unknown> =>
  Promise.all(rows.map((row) => store.usage.add(usageRow(row))));

const pageOf = (store: ResponseStore, filter: Partial<UsageFilter> = {}): Promise<UsagePage> =>
  store.usage.page({ filter: { ...ALL, ...filter }, after: 0, limit: 1000 });

const idsOf = async (store: ResponseStore, filter: Partial<UsageFilter> = {}): Promise<string[]> =>
  (await pageOf(store, filter)).rows.map(({ id }) => id);

/** The ledger of every `ResponseStore`. */
export function keepsUsage(open: () => Promise<StoreUnderTest>): void {
  it('gives back rows as they were added, in their order, at positions that grow', async () => {
    const { store } = await open();
    const rows = [
      usageRow({ id: 'a', keyId: 'key_1', isStream: true, outcome: 'failed', error: 'engine_failed' }),
      usageRow({ id: 'b', firstOutputMs: null, isSimulated: false, outcome: 'aborted' }),
      usageRow({ id: 'c', project: 'Zürich\n😀', api: 'chat', endedAtMs: NOW_MS - 1 }),
    ];
    await add(store, ...rows);
    const { rows: found, hasMore } = await pageOf(store);
    expect(found).toEqual(rows.map((row) => ({ ...row, position: expect.any(Number) })));
    expect(found.map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(hasMore).toBe(false);
  });

  it('keeps the row of a response with it, or neither, and keeps it when the response goes', async () => {
    const { store } = await open();
    await store.put(turn('a', 1), usageRow({ id: 'a1' }));
    expect(await codeOf(store.put(turn('a', 1), usageRow({ id: 'again' })))).toBe('duplicate_response');
    const orphan = response('orphan', { previousResponseId: 'gone' });
    expect(await codeOf(store.put(orphan, usageRow({ id: 'orphan' })))).toBe('unknown_parent');
    expect(await idsOf(store)).toEqual(['a1']);
    await store.delete('default', 'a1');
    expect((await store.contents()).responses).toBe(0);
    expect(await idsOf(store)).toEqual(['a1']);
  });

  it('is read page by page, each row once, also those that come meanwhile', async () => {
    const { store } = await open();
    await add(store, { id: 'a' }, { id: 'b' }, { id: 'c' });
    const first = await store.usage.page({ filter: ALL, after: 0, limit: 2 });
    expect(first.rows.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(first.hasMore).toBe(true);
    await add(store, { id: 'd' });
    const after = first.rows[1]?.position ?? 0;
    const second = await store.usage.page({ filter: ALL, after, limit: 2 });
    expect(second.rows.map(({ id }) => id)).toEqual(['c', 'd']);
    expect(second.hasMore).toBe(false);
    expect(await store.usage.page({ filter: ALL, after: after + 2, limit: 2 })).toEqual({ rows: [], hasMore: false });
  });

  it('finds the rows of a project, of a key and of a time, also where the clock was set back', async () => {
    const { store } = await open();
    await add(
      store,
      { id: 'future', endedAtMs: NOW_MS + 3 * DAY_MS },
      { id: 'old', endedAtMs: NOW_MS - 2 * DAY_MS, keyId: 'key_1' },
      { id: 'edge', endedAtMs: NOW_MS, project: 'other' },
      { id: 'late', endedAtMs: NOW_MS + 1, keyId: 'key_1' },
    );
    expect(await idsOf(store, { sinceMs: NOW_MS })).toEqual(['future', 'edge', 'late']);
    expect(await idsOf(store, { untilMs: NOW_MS })).toEqual(['old']);
    expect(await idsOf(store, { sinceMs: NOW_MS, untilMs: NOW_MS + 1 })).toEqual(['edge']);
    expect(await idsOf(store, { project: 'other' })).toEqual(['edge']);
    expect(await idsOf(store, { keyId: 'key_1' })).toEqual(['old', 'late']);
    expect(await idsOf(store, { project: 'other', keyId: 'key_1' })).toEqual([]);
    expect(await idsOf(store, { sinceMs: NOW_MS + 4 * DAY_MS })).toEqual([]);
  });

  it('adds up what is wanted by what is wanted', async () => {
    const { store } = await open();
    await add(
      store,
      { id: 'a', keyId: 'key_1' },
      { id: 'b', keyId: 'key_1', outcome: 'failed', error: 'engine_failed', isSimulated: false },
      { id: 'c', keyId: 'key_2', outcome: 'aborted', endedAtMs: NOW_MS + DAY_MS },
      { id: 'd', project: 'other', model: 'gpt-oss-120b', inputTokens: 7, cachedTokens: 1, outputTokens: 3 },
    );
    expect(await store.usage.totals({ ...ALL, project: 'default' }, [])).toEqual([
      {
        group: [],
        requests: 3,
        failed: 1,
        aborted: 1,
        simulated: 2,
        inputTokens: 300,
        cachedTokens: 192,
        outputTokens: 60,
        reasoningTokens: 15,
      },
    ]);
    const byKey = await store.usage.totals(ALL, ['project', 'key']);
    expect(byKey.map(({ group, requests }) => [...group, requests])).toEqual([
      ['default', 'key_1', 2],
      ['default', 'key_2', 1],
      ['other', null, 1],
    ]);
    expect(byKey[2]).toMatchObject({ inputTokens: 7, cachedTokens: 1, outputTokens: 3, reasoningTokens: 5 });
    const byDay = await store.usage.totals(ALL, ['day', 'model']);
    expect(byDay.map(({ group, requests }) => [...group, requests])).toEqual([
      ['2023-11-14', 'gpt-oss-120b', 1],
      ['2023-11-14', 'gpt-oss-20b', 2],
      ['2023-11-15', 'gpt-oss-20b', 1],
    ]);
    expect(await store.usage.totals({ ...ALL, project: 'nobody' }, ['key'])).toEqual([]);
    expect(await store.usage.totals({ ...ALL, project: 'nobody' }, [])).toMatchObject([{ requests: 0 }]);
  });

  it('adds up and pages what takes many looks', async () => {
    const { store } = await open();
    const count = 12_001;
    await add(store, ...Array.from({ length: count }, (_, index) => ({ id: `r${index}`, project: `p${index % 3}` })));
    const totals = await store.usage.totals(ALL, ['project']);
    expect(totals.map(({ requests }) => requests)).toEqual([4001, 4000, 4000]);
    const seen: string[] = [];
    for (let after = 0, hasMore = true; hasMore;) {
      const page = await store.usage.page({ filter: { ...ALL, project: 'p1' }, after, limit: 999 });
      seen.push(...page.rows.map(({ id }) => id));
      ({ hasMore } = page);
      after = page.rows.at(-1)?.position ?? after;
    }
    expect(seen).toEqual(Array.from({ length: 4000 }, (_, index) => `r${index * 3 + 1}`));
  });

  it('remembers how far it was delivered, and since when something waits', async () => {
    const { store } = await open();
    const usage = async () => (await store.contents()).usage;
    expect(await usage()).toEqual({ deliveredPosition: 0, undeliveredRows: 0, undeliveredSinceMs: null });
    await add(store, { id: 'a', endedAtMs: NOW_MS + 1 }, { id: 'b', endedAtMs: NOW_MS + 2 });
    expect(await usage()).toEqual({ deliveredPosition: 0, undeliveredRows: 2, undeliveredSinceMs: NOW_MS + 1 });
    await store.usage.markDelivered(1);
    expect(await usage()).toEqual({ deliveredPosition: 1, undeliveredRows: 1, undeliveredSinceMs: NOW_MS + 2 });
    await store.usage.markDelivered(2);
    await store.usage.markDelivered(1);
    expect(await usage()).toEqual({ deliveredPosition: 2, undeliveredRows: 0, undeliveredSinceMs: null });
  });

  it('sweeps old rows in steps, what is not delivered later, and never the newest', async () => {
    const { store } = await open();
    const old = { endedAtMs: NOW_MS - 10 };
    await add(store, { id: 'a', ...old }, { id: 'b', ...old }, { id: 'c', ...old }, { id: 'd', ...old }, { id: 'e' });
    await store.usage.markDelivered(3);
    const sweep = { beforeMs: NOW_MS, undeliveredBeforeMs: NOW_MS - 100, limit: 2 };
    expect(await store.usage.sweep(sweep)).toBe(2);
    expect(await store.usage.sweep(sweep)).toBe(1);
    expect(await store.usage.sweep(sweep)).toBe(0);
    expect(await idsOf(store)).toEqual(['d', 'e']);
    expect(await store.usage.sweep({ beforeMs: NOW_MS + 1, undeliveredBeforeMs: NOW_MS + 1, limit: 9 })).toBe(1);
    expect(await idsOf(store)).toEqual(['e']);
    await add(store, { id: 'f' });
    expect((await pageOf(store)).rows.map(({ id, position }) => [id, position])).toEqual([
      ['e', 5],
      ['f', 6],
    ]);
    expect((await store.contents()).responses).toBe(0);
  });
}
