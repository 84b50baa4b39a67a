import { pino } from 'pino';
import { Telemetry, type TelemetryOptions } from '../../src/metrics/telemetry.ts';
import { systemClock } from '../../src/system/clock.ts';

/** What watches a Chorus without engines and without a store, running. */
export function startTelemetry(overrides: Partial<TelemetryOptions> = {}): Telemetry {
  const telemetry = new Telemetry({
    clock: systemClock,
    logger: pino({ enabled: false }),
    version: '1.2.3',
    model: () => 'gpt-oss-20b',
    store: null,
    engines: () => [],
    seats: () => [],
    waiting: () => 0,
    isReady: () => true,
    cordonedGpus: () => [],
    hasUsageWebhook: () => false,
    round: () => {},
    ...overrides,
  });
  telemetry.start();
  return telemetry;
}
