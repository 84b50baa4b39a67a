import { DAY_MS } from '../domain/units.ts';
import { Ledger } from '../ledger/ledger.ts';
import type { TurnListener } from '../ledger/turn-ends.ts';
import type { Telemetry } from '../metrics/telemetry.ts';
import { RetentionSweep } from '../store/retention-sweep.ts';
import type { ChorusDeps } from './chorus-deps.ts';
import type { Deployment } from './deployment.ts';

/** Usage that a receiver has not taken stays as long as this, however short the retention is. */
const UNDELIVERED_RETENTION_MS = 400 * DAY_MS;

interface LedgerParts {
  readonly deployment: Pick<Deployment, 'options'>;
  readonly telemetry: Pick<Telemetry, 'onTurnEnd' | 'onUsageRowLost' | 'onUsageWebhookFailed'>;
  readonly isSimulated: () => boolean;
}

/** What becomes of turns that have ended; `listeners` hear of each beside the telemetry. */
export function buildLedger(
  { clock, random, store }: Pick<ChorusDeps, 'clock' | 'random' | 'store'>,
  { deployment, telemetry, isSimulated }: LedgerParts,
  listeners: readonly TurnListener[],
): Ledger {
  return new Ledger({
    clock,
    random,
    store,
    webhookTarget: () => deployment.options.usageWebhook,
    listeners: [telemetry.onTurnEnd, ...listeners],
    isSimulated,
    onRowLost: telemetry.onUsageRowLost,
    onWebhookFailure: telemetry.onUsageWebhookFailed,
  });
}

/** Removes responses that have expired and usage that is too old; null where nothing is kept. */
export function buildSweep(
  { clock, store, logger }: Pick<ChorusDeps, 'clock' | 'store' | 'logger'>,
  deployment: Pick<Deployment, 'options'>,
): RetentionSweep | null {
  if (store === null) return null;
  const sweepUsage = (limit: number): Promise<number> => {
    const { usageRetentionMs: keptMs, usageWebhook } = deployment.options;
    const undeliveredMs = usageWebhook === null ? keptMs : Math.max(keptMs, UNDELIVERED_RETENTION_MS);
    const nowMs = clock.nowMs();
    return store.usage.sweep({ beforeMs: nowMs - keptMs, undeliveredBeforeMs: nowMs - undeliveredMs, limit });
  };
  const steps = [(limit: number) => store.sweep(clock.nowMs(), limit), sweepUsage];
  return new RetentionSweep(steps, clock, (err) => logger.error({ err }, 'sweep failed'));
}
