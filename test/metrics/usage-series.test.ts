import { expect, it } from 'vitest';
import { startTelemetry } from '../support/telemetry.ts';
import { NOW_MS, openStore, SettableClock, usageRow } from '../support/store-bench.ts';
import { valueOf } from '../support/prometheus.ts';

it('shows how far behind the receiver of usage is, where there is one', async () => {
  const store = await openStore();
  await store.usage.add(usageRow({ id: 'a', endedAtMs: NOW_MS - 90_000 }));
  await store.usage.add(usageRow({ id: 'b' }));
  let hasWebhook = false;
  const telemetry = startTelemetry({ store, clock: new SettableClock(), hasUsageWebhook: () => hasWebhook });
  const shown = async (): Promise<unknown[]> => {
    const page = await telemetry.metrics.page();
    return ['rows', 'seconds'].map((unit) => valueOf(page, `chorus_usage_undelivered_${unit}`));
  };
  expect(await shown()).toEqual([0, 0]);
  expect(valueOf(await telemetry.metrics.page(), 'chorus_store_bytes')).toBeGreaterThan(0);
  hasWebhook = true;
  expect(await shown()).toEqual([2, 90]);
  await store.usage.markDelivered(2);
  expect(await shown()).toEqual([0, 0]);
  telemetry.stop();
});

it('counts rows that are lost, and what the receiver did not take', async () => {
  const telemetry = startTelemetry();
  telemetry.onUsageRowLost(new Error('the disk is full'));
  telemetry.onUsageRowLost(new Error('the disk is full'));
  telemetry.onUsageWebhookFailed('it answered 500');
  const page = await telemetry.metrics.page();
  expect(valueOf(page, 'chorus_usage_rows_lost_total')).toBe(2);
  expect(valueOf(page, 'chorus_usage_webhook_failures_total')).toBe(1);
  telemetry.stop();
});
