import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../domain/clock.ts';
import type { ResponseStore } from '../store/response-store.ts';
import { registerContents } from './store-series.ts';

export interface UsageViews {
  /** Whether usage is to be posted anywhere. */
  readonly hasUsageWebhook: () => boolean;
}

/** How well usage is recorded and delivered. */
export class UsageSeries {
  readonly #rowsLost;
  readonly #failures;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#rowsLost = new Counter({
      name: 'chorus_usage_rows_lost_total',
      help: 'Requests whose usage could not be recorded.',
      registers,
    });
    this.#failures = new Counter({
      name: 'chorus_usage_webhook_failures_total',
      help: 'Posts of usage that the receiver did not take; they are repeated.',
      registers,
    });
  }

  rowLost(): void {
    this.#rowsLost.inc();
  }

  webhookFailed(): void {
    this.#failures.inc();
  }
}

/** How far behind the webhook is: 0 where there is none, missing while the store does not tell. */
export function registerUsageDelivery(
  registry: Registry,
  store: ResponseStore,
  clock: Clock,
  { hasUsageWebhook }: UsageViews,
): void {
  registerContents(
    registry,
    { store, clock },
    {
      name: 'chorus_usage_undelivered_rows',
      help: 'Requests whose usage the webhook has not taken.',
      read: ({ usage }) => (hasUsageWebhook() ? usage.undeliveredRows : 0),
    },
  );
  registerContents(
    registry,
    { store, clock },
    {
      name: 'chorus_usage_undelivered_seconds',
      help: 'How long ago the first request ended whose usage the webhook has not taken.',
      read: ({ usage: { undeliveredSinceMs } }) =>
        hasUsageWebhook() && undeliveredSinceMs !== null ? (clock.nowMs() - undeliveredSinceMs) / 1000 : 0,
    },
  );
}
