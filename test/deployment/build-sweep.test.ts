import { pino } from 'pino';
import { expect, it } from 'vitest';
import { buildSweep } from '../../src/deployment/build-ledger.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { DAY_MS } from '../../src/domain/units.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { NOW_MS, openStore, response, usageRow } from '../support/store-bench.ts';

const ROWS = 250;

/** A store with old rows and a recent one, after the first sweep; what is left of them, by age in days. */
async function swept(webhook: boolean, ages: readonly number[], delivered: number): Promise<number[]> {
  const store = await openStore();
  for (const age of ages) {
    const rows = Array.from({ length: age === 0 ? 1 : ROWS }, (_, index) => ({
      id: `${age}-${index}`,
      endedAtMs: NOW_MS - age * DAY_MS,
    }));
    await Promise.all(rows.map((row) => store.usage.add(usageRow(row))));
  }
  await store.usage.markDelivered(delivered);
  await store.put(response('old', { expiresAtMs: NOW_MS - 1 }));
  const clock = new FakeClock(NOW_MS);
  const usageWebhook = webhook ? { url: 'http://127.0.0.1:1/', secretFile: null } : null;
  const options = { usageRetentionMs: 30 * DAY_MS, usageWebhook } as Deployment['options'];
  const sweep = buildSweep({ clock, store, logger: pino({ enabled: false }) }, { options });
  clock.advance(60_000);
  await eventually('the end of the sweep', 10_000, () => (clock.pendingTimers > 0 ? true : null));
  sweep?.stop();
  expect((await store.contents()).responses).toBe(0);
  const filter = { sinceMs: null, untilMs: null, project: null, keyId: null };
  const { rows } = await store.usage.page({ filter, after: 0, limit: 10_000 });
  return [...new Set(rows.map(({ endedAtMs }) => (NOW_MS - endedAtMs) / DAY_MS))];
}

it('removes usage that is older than its retention, all of it, and expired responses', async () => {
  expect(await swept(false, [500, 31, 29, 0], 0)).toEqual([29, 0]);
});

it('keeps what a receiver has still to get, for 400 days', async () => {
  expect(await swept(true, [500, 31, 29, 0], 0)).toEqual([31, 29, 0]);
  expect(await swept(true, [500, 31, 29, 0], 2 * ROWS)).toEqual([29, 0]);
});
