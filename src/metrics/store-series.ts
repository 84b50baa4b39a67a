import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type Clock, sleep } from '../domain/clock.ts';
import type { CommitReport, ResponseStore, StoreContents } from '../store/response-store.ts';

const COMMIT_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** A disk that hangs must not keep the rest of the page from whoever wants to know what hangs. */
const CONTENTS_TIMEOUT_MS = 1000;

/** What the store of responses holds, and how fast the disk takes it. */
export function registerStoreSeries(registry: Registry, store: ResponseStore, clock: Clock): void {
  const registers = [registry];
  const commits = new Histogram({
    name: 'chorus_store_commit_seconds',
    help: 'From the hand-over of a group of changes to its end on the disk.',
    buckets: COMMIT_SECONDS,
    registers,
  });
  const writes = new Counter({
    name: 'chorus_store_writes_total',
    help: 'Changes by how they ended: ok, or why nothing of them was done.',
    labelNames: ['result'],
    registers,
  });
  store.onCommit(({ durationMs, results }: CommitReport) => {
    commits.observe(durationMs / 1000);
    for (const result of results) writes.inc({ result });
  });
  const pending: Gauge = new Gauge({
    name: 'chorus_store_pending_writes',
    help: 'Changes that are not on the disk yet.',
    registers,
    collect: () => pending.set(store.pendingWrites),
  });
  const bytes = new Gauge({ name: 'chorus_store_bytes', help: "Size of the store's file.", registers });
  const responses: Gauge = new Gauge({
    name: 'chorus_store_responses',
    help: 'Responses that are kept; missing while the store does not tell.',
    registers,
    collect: async () => {
      const held = await contentsOf(store, clock);
      bytes.set(held?.bytes ?? Number.NaN);
      responses.set(held?.responses ?? Number.NaN);
    },
  });
}

async function contentsOf(store: ResponseStore, clock: Clock): Promise<StoreContents | null> {
  const answered = new AbortController();
  const late = sleep(clock, CONTENTS_TIMEOUT_MS, answered.signal).then(() => null);
  try {
    return await Promise.race([store.contents(), late]);
  } catch {
    return null;
  } finally {
    answered.abort();
  }
}
