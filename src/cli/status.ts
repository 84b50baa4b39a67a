import { formatBytes, formatCount, formatDuration, formatTimeLeft } from '../domain/units.ts';
import type { CordonedGpu, Roll } from '../deployment/deployment.ts';
import type { LifecycleEvent } from '../engine/lifecycle-event.ts';
import { describeProgress } from '../engine/outlook.ts';
import type { EngineReport, StatusReport } from '../gateway/reports.ts';
import type { StoreReport } from '../responses/report-store.ts';
import { describeSetupProgress } from '../setup/explain-setup.ts';
import { systemClock } from '../system/clock.ts';
import { askServer } from './server-client.ts';
import { formatTable } from './table.ts';

/** `chorus status`: what the server of this state directory does now. Throws a `Refusal` when there is none. */
export async function status(stateDir: string, { json }: { readonly json: boolean }): Promise<string> {
  const report = await askServer<StatusReport>(stateDir, 'GET', '/admin/status');
  return json ? JSON.stringify(report, null, 2) : describeStatus(report, systemClock.nowMs());
}

/** The report as a person reads it: how it is, what happened lately, what to do. Short where all is well. */
export function describeStatus(report: StatusReport, nowMs: number): string {
  return [
    `chorus ${report.version}  pid ${report.pid}  ${report.url}${report.simulated ? '  SIMULATED' : ''}`,
    `${report.ready ? 'ready' : 'not ready'}: ${report.reason}`,
    ...(report.roll === null ? [] : [describeRoll(report.roll, nowMs)]),
    ...describeWatch(report.gpuWatch),
    ...report.setup.map(describeSetupProgress),
    describeStore(report.store),
    ...describeWebhook(report, nowMs),
    '',
    engineTable(report.engines),
    ...section('Out of use:', report.cordoned.map(describeCordon)),
    ...section('Lately:', lately(report.engines, nowMs)),
    ...section('What you can do:', whatToDo(report)),
  ].join('\n');
}

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];

function engineTable(engines: readonly EngineReport[]): string {
  const rows = engines.map(
    ({ engineId, model, kind, host, phase, gpus, pid, restarts, inFlight, sentence, progress }) => [
      engineId,
      model ?? '-',
      kind === 'remote' ? `remote (${host})` : gpus.map(({ index }) => index).join(',') || '-',
      phase,
      String(inFlight),
      String(restarts),
      pid === null ? '-' : String(pid),
      [sentence, describeProgress(progress)].filter(Boolean).join(', '),
    ],
  );
  return formatTable(['ENGINE', 'MODEL', 'GPUS', 'PHASE', 'IN FLIGHT', 'RESTARTS', 'PID', ''], rows);
}

function describeRoll({ reason, sinceMs, held }: Roll, nowMs: number): string {
  if (held !== null) return `half changed, because ${reason}: ${held}`;
  return `changing for ${formatDuration(nowMs - sinceMs)}, one engine after another, because ${reason}`;
}

const describeCordon = ({ sentence, sinceMs }: CordonedGpu): string => `${timeOf(sinceMs)}  ${sentence}`;

/** Cards that cannot be seen may be well; that nobody would know otherwise is worth a line. */
function describeWatch(watch: StatusReport['gpuWatch']): readonly string[] {
  if (watch === null || !watch.isStale) return [];
  const since = watch.ageMs === null ? 'not answered yet' : `not answered for ${formatDuration(watch.ageMs)}`;
  const problem = watch.problem === null ? '' : `: ${watch.problem.message} ${watch.problem.remedy}`;
  return [`cards are not watched: nvidia-smi has ${since}${problem}`];
}

/** Last night is lately; of more than these the log tells. */
const LATELY_MS = 24 * 60 * 60 * 1000;
const MAX_EVENTS = 8;

/** What went wrong with engines and how it went on, the newest last; starts that were planned are no news. */
function lately(engines: readonly EngineReport[], nowMs: number): readonly string[] {
  return engines
    .flatMap(({ recent }) => sinceTrouble(recent))
    .filter(({ atMs }) => nowMs - atMs < LATELY_MS)
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(-MAX_EVENTS)
    .map((event) => `${timeOf(event.atMs)}  ${event.engineId}  ${describeEvent(event)}`);
}

/** Where there was no trouble there is nothing to tell. */
function sinceTrouble(recent: readonly LifecycleEvent[]): readonly LifecycleEvent[] {
  const first = recent.findIndex(({ kind }) => kind !== 'started' && kind !== 'ready');
  return first === -1 ? [] : recent.slice(first).filter(({ kind }) => kind !== 'started');
}

function describeEvent(event: LifecycleEvent): string {
  switch (event.kind) {
    case 'started':
      return 'started';
    case 'ready':
      return `in rotation after a start of ${formatDuration(event.startMs)}`;
    case 'ejected':
      return `taken out of rotation: ${event.reason}`;
    case 'recovered':
      return `back in rotation after ${formatDuration(event.outMs)}`;
    case 'restarting':
      return `to be started again in ${formatDuration(event.delayMs)}: ${event.reason}`;
    case 'failed':
      return `given up: ${event.reason}`;
  }
}

function whatToDo({ engines, cordoned }: StatusReport): readonly string[] {
  return [
    ...engines.flatMap(({ engineId, phase, lastFailure }) => {
      if (phase === 'stopped') return [`${engineId}: it was stopped; \`chorus start ${engineId}\` starts it.`];
      if (lastFailure === null || (phase !== 'failed' && phase !== 'backoff')) return [];
      const then = phase === 'failed' ? `then \`chorus start ${engineId}\`` : 'it goes on trying meanwhile';
      return [`${engineId}: ${lastFailure.remedy} (${then}; \`chorus logs ${engineId}\` tells more)`];
    }),
    ...cordoned.map(({ index, remedy, hasRecovered }) =>
      hasRecovered
        ? `GPU ${index}: it is well again; \`chorus reload\` takes it back into use.`
        : `GPU ${index}: ${remedy} Then \`chorus reload\` takes it back into use.`,
    ),
  ];
}

/** As in the log, to the second. */
const timeOf = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;

/** Nothing where usage is not posted. */
function describeWebhook({ usageWebhook, store }: StatusReport, nowMs: number): readonly string[] {
  if (usageWebhook === null || 'reason' in store) return [];
  const { undeliveredRows, undeliveredSinceMs } = store.usage;
  if (undeliveredSinceMs === null) return ['usage: the webhook has taken all of it'];
  const rows = `${formatCount(undeliveredRows)} ${undeliveredRows === 1 ? 'request waits' : 'requests wait'}`;
  const behind = `usage: ${rows} for the webhook, the first for ${formatDuration(nowMs - undeliveredSinceMs)}`;
  const { problem, nextAttemptMs } = usageWebhook;
  if (problem === null || nextAttemptMs === null) return [behind];
  return [`${behind}: ${problem}; next attempt in ${formatTimeLeft(nextAttemptMs - nowMs)}`];
}

function describeStore(store: StoreReport): string {
  if ('reason' in store) return `nothing is stored, and usage is not recorded: ${store.reason}`;
  const { responses, bytes, nextExpiryMs, retentionDays } = store;
  const next = nextExpiryMs === null ? '' : `; the next goes ${new Date(nextExpiryMs).toISOString().slice(0, 16)}Z`;
  const count = `${formatCount(responses)} ${responses === 1 ? 'response' : 'responses'}`;
  return `stored: ${count} in ${formatBytes(bytes)}, each for ${retentionDays} days${next}`;
}
