import { readFileSync } from 'node:fs';
import { request } from 'undici';
import { Refusal } from '../domain/refusal.ts';
import { formatBytes, formatCount } from '../domain/units.ts';
import type { StatusReport } from '../gateway/reports.ts';
import type { StoreReport } from '../responses/report-store.ts';
import { readServerRecord, type ServerRecord } from '../system/state-directory.ts';
import { describeProgress } from '../engine/outlook.ts';
import { describeProgress as describeSetup } from '../setup/explain-setup.ts';
import { formatTable } from './table.ts';

const TIMEOUT_MS = 5000;

/** `chorus status`: what the server of this state directory does now. Throws a `Refusal` when there is none. */
export async function status(stateDir: string, { json }: { readonly json: boolean }): Promise<string> {
  const record = readServerRecord(stateDir);
  if (record === null) {
    throw new Refusal(
      'unavailable',
      `No Chorus runs with the state directory ${stateDir}. Start one with \`chorus serve\`.`,
    );
  }
  const report = await askServer(record);
  return json ? JSON.stringify(report, null, 2) : describeStatus(report);
}

async function askServer({ url, keyFile, pid }: ServerRecord): Promise<StatusReport> {
  const headers = keyFile === null ? {} : { authorization: `Bearer ${readFileSync(keyFile, 'utf8').trim()}` };
  try {
    const { statusCode, body } = await request(`${url}/admin/status`, {
      headers,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    if (statusCode === 200) return (await body.json()) as StatusReport;
    throw new Error(`it answered ${statusCode}: ${(await body.text()).slice(0, 200)}`);
  } catch (cause) {
    const message = `Chorus (pid ${pid}) does not answer at ${url}: ${(cause as Error).message}. Is it still running?`;
    throw new Refusal('unavailable', message, { cause });
  }
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
