import { Telemetry } from '../metrics/telemetry.ts';
import type { Pool } from '../pool/pool.ts';
import { chorusVersion } from '../system/version.ts';
import type { AllEngines } from './all-engines.ts';
import type { ChorusDeps } from './chorus-deps.ts';
import type { Deployment } from './deployment.ts';
import type { SelfReport } from './self-report.ts';

interface Watched {
  readonly engines: Pick<AllEngines, 'status'>;
  readonly pool: Pick<Pool, 'view' | 'waiting'>;
  readonly deployment: Pick<Deployment, 'plan' | 'cordoned' | 'options'>;
  readonly report: SelfReport;
}

/** What watches a running Chorus. A round of the supervision asks for all that a status page would show. */
export function buildTelemetry(
  { clock, logger, store }: Pick<ChorusDeps, 'clock' | 'logger' | 'store'>,
  { engines, pool, deployment, report }: Watched,
): Telemetry {
  return new Telemetry({
    clock,
    logger,
    store,
    version: chorusVersion,
    model: () => deployment.plan.model ?? engines.status().find(({ model }) => model !== null)?.model ?? null,
    engines: () => engines.status(),
    seats: () => pool.view(),
    waiting: () => pool.waiting,
    isReady: () => report.readiness().ready,
    hasUsageWebhook: () => deployment.options.usageWebhook !== null,
    cordonedGpus: () => deployment.cordoned,
    round: () => void report.status(),
  });
}
