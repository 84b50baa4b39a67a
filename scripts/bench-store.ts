/**
 * `node scripts/bench-store.ts [DIRECTORY]`: what the store costs on this machine, on the disk of DIRECTORY (a
 * temporary one by default). Rows are responses of about 6 KB with their usage; every put is on the disk when it counts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { openResponseStore } from '../src/store/open-response-store.ts';
import { newId } from '../src/responses/ids.ts';
import type { NewResponse, ResponseStore } from '../src/store/response-store.ts';
import type { UsageRow } from '../src/store/usage-ledger.ts';
import { systemClock } from '../src/system/clock.ts';
import { quantile } from './bench/statistics.ts';

const IN_FLIGHT = 500;
const BURST_PUTS = 15_000;
const PACED_PUTS_PER_SECOND = 500;
const PACED_SECONDS = 10;
const USAGE_ROWS = 50_000;
const TURNS = 50;
const CONTEXT_READS = 1000;
const SHORT_TOKEN_IDS = 120;
const EXPIRES_AT_MS = Number.MAX_SAFE_INTEGER;

const textOf = (characters: number): string => JSON.stringify('lorem ipsum '.repeat(characters / 12));
const [INPUT, OUTPUT, RESPONSE] = [textOf(600), textOf(2000), textOf(1400)];
const TOKEN_IDS = Array.from({ length: 300 }, (_, index) => (index * 619) % 200_000);

/** One input of 600 bytes, reasoning and an answer of 4 KB with 600 token ids, and a response object of 1.4 KB. */
function newResponse(id: string, previousResponseId: string | null): NewResponse {
  return {
    id,
    project: 'default',
    createdAtMs: 0,
    expiresAtMs: EXPIRES_AT_MS,
    previousResponseId,
    newInput: [{ id: `${id}-in`, json: INPUT, tokenIds: null }],
    output: [
      { id: `${id}-rs`, json: OUTPUT, tokenIds: TOKEN_IDS },
      { id: `${id}-msg`, json: OUTPUT, tokenIds: TOKEN_IDS },
    ],
    json: RESPONSE,
    rootDate: '2026-03-01',
    status: 'completed',
  };
}

const usageRow = (id: string): UsageRow => ({
  id,
  endedAtMs: systemClock.nowMs(),
  project: 'default',
  keyId: 'key_0123456789abcdef',
  api: 'responses',
  model: 'gpt-oss-20b',
  isStream: true,
  outcome: 'completed',
  error: null,
  isSimulated: true,
  inputTokens: 1234,
  cachedTokens: 1024,
  outputTokens: 600,
  reasoningTokens: 300,
  firstOutputMs: 90,
  durationMs: 4200,
});

function describeTimes(timesMs: readonly number[]): string {
  return `p50 ${quantile(timesMs, 0.5).toFixed(2)} ms, p99 ${quantile(timesMs, 0.99).toFixed(2)} ms`;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Starts counting; the returned function says what one of `count` calls cost in which thread. */
function measureCpu(): (count: number) => string {
  const [start, ownStart] = [process.cpuUsage(), process.threadCpuUsage()];
  return (count) => {
    const all = process.cpuUsage(start);
    const own = process.threadCpuUsage(ownStart);
    const ownUs = (own.user + own.system) / count;
    const otherUs = (all.user + all.system) / count - ownUs;
    return `${ownUs.toFixed(1)} us in the gateway's thread, ${otherUs.toFixed(1)} us in the others`;
  };
}

async function burst(store: ResponseStore): Promise<string> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let number = next++; number < BURST_PUTS; number = next++) {
      const id = newId('resp', systemClock.nowMs());
      await store.put(newResponse(id, null), usageRow(id));
    }
  };
  const cpu = measureCpu();
  const durationMs = await timed(() => Promise.all(Array.from({ length: IN_FLIGHT }, client)));
  return `${Math.round(BURST_PUTS / (durationMs / 1000))} puts/s with ${IN_FLIGHT} in flight; CPU a put: ${cpu(BURST_PUTS)}`;
}

const put = (store: ResponseStore, id: string): Promise<void> => store.put(newResponse(id, null), usageRow(id));

async function paced(store: ResponseStore): Promise<string> {
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const times: Promise<number>[] = [];
  const startMs = performance.now();
  loop.enable();
  for (let elapsedMs = 0; elapsedMs < PACED_SECONDS * 1000; elapsedMs = performance.now() - startMs) {
    for (const due = (elapsedMs / 1000) * PACED_PUTS_PER_SECOND; times.length < due;) {
      times.push(timed(() => put(store, `paced${times.length}`)));
    }
    await sleep(1);
  }
  loop.disable();
  const delay = [50, 99, 99.9]
    .map((percent) => `p${percent} ${(loop.percentile(percent) / 1e6).toFixed(1)}`)
    .join(', ');
  const latency = describeTimes(await Promise.all(times));
  return `put at ${PACED_PUTS_PER_SECOND}/s: ${latency}; event loop of the gateway's thread: ${delay} ms (idle: about 1.1)`;
}

/** Usage alone, as of what is not stored, and then all of it added up. */
async function usage({ usage: ledger }: ResponseStore): Promise<string> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let number = next++; number < USAGE_ROWS; number = next++) {
      await ledger.add(usageRow(newId('resp', systemClock.nowMs())));
    }
  };
  const cpu = measureCpu();
  const durationMs = await timed(() => Promise.all(Array.from({ length: IN_FLIGHT }, client)));
  const cost = cpu(USAGE_ROWS);
  const filter = { sinceMs: null, untilMs: null, project: null, keyId: null };
  const totalsMs = await timed(() => ledger.totals(filter, ['project', 'key']));
  const rate = Math.round(USAGE_ROWS / (durationMs / 1000));
  return `${rate} rows/s of usage alone; CPU a row: ${cost}; totals of all: ${totalsMs.toFixed(0)} ms`;
}

/** A turn of a chat: 2 KB of text, 240 token ids. */
function newTurn(id: string, previousResponseId: string | null): NewResponse {
  const tokenIds = TOKEN_IDS.slice(0, SHORT_TOKEN_IDS);
  const output = [
    { id: `${id}-rs`, json: textOf(720), tokenIds },
    { id: `${id}-msg`, json: textOf(720), tokenIds },
  ];
  return {
    ...newResponse(id, previousResponseId),
    newInput: [{ id: `${id}-in`, json: textOf(480), tokenIds: null }],
    output,
  };
}

async function contexts(store: ResponseStore): Promise<string> {
  for (let number = 1; number <= TURNS; number++) {
    await store.put(newTurn(`chain${number}`, number === 1 ? null : `chain${number - 1}`));
  }
  const times: number[] = [];
  const cpu = measureCpu();
  for (let read = 0; read < CONTEXT_READS; read++) {
    times.push(await timed(() => store.context('default', `chain${TURNS}`)));
  }
  return `context of ${TURNS} turns (${3 * TURNS} items): ${describeTimes(times)}; CPU: ${cpu(CONTEXT_READS)}`;
}

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'chorus-store-'));
const opening = await openResponseStore({ directory, clock: systemClock });
if (opening.kind === 'refused') throw new Error(opening.problem.message);
try {
  for (const part of [burst, paced, usage, contexts]) console.log(await part(opening.store));
} finally {
  await opening.store.close();
  rmSync(directory, { recursive: true });
}
