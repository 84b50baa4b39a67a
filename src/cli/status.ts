import { formatBytes, formatCount } from '../domain/units.ts';
import type { StatusReport } from '../gateway/reports.ts';
import type { StoreReport } from '../responses/report-store.ts';
import { describeProgress } from '../engine/outlook.ts';
import { describeProgress as describeSetup } from '../setup/explain-setup.ts';
import { askServer } from './server-client.ts';
import { formatTable } from './table.ts';

/** `chorus status`: what the server of this state directory does now. Throws a `Refusal` when there is none. */
export async function status(stateDir: string, { json }: { readonly json: boolean }): Promise<string> {
  const report = await askServer<StatusReport>(stateDir, 'GET', '/admin/status');
  return json ? JSON.stringify(report, null, 2) : describeStatus(report);
}

/** The report as a person reads it. */
export function describeStatus(report: StatusReport): string {
  const rows = report.engines.map(({ engineId, model, phase, gpus, pid, restarts, inFlight, sentence, progress }) => [
    engineId,
    model,
    gpus.length > 0 ? gpus.map(({ index }) => index).join(',') : '-',
    phase,
    String(inFlight),
    String(restarts),
    pid === null ? '-' : String(pid),
    [sentence, describeProgress(progress)].filter(Boolean).join(', '),
  ]);
  return [
    `chorus ${report.version}  pid ${report.pid}  ${report.url}${report.simulated ? '  SIMULATED' : ''}`,
    `${report.ready ? 'ready' : 'not ready'}: ${report.reason}`,
    ...report.setup.map(describeSetup),
    describeStore(report.store),
    '',
    formatTable(['ENGINE', 'MODEL', 'GPUS', 'PHASE', 'IN FLIGHT', 'RESTARTS', 'PID', ''], rows),
  ].join('\n');
}

function describeStore(store: StoreReport): string {
  if ('reason' in store) return `nothing is stored: ${store.reason}`;
  const { responses, bytes, nextExpiryMs, retentionDays } = store;
  const next = nextExpiryMs === null ? '' : `; the next goes ${new Date(nextExpiryMs).toISOString().slice(0, 16)}Z`;
  const count = `${formatCount(responses)} ${responses === 1 ? 'response' : 'responses'}`;
  return `stored: ${count} in ${formatBytes(bytes)}, each for ${retentionDays} days${next}`;
}
