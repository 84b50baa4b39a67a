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
  const shown = (name: string, help: string, read: (held: StoreContents) => number): void =>
    registerContents(registry, { store, clock }, { name, help, read });
  shown('chorus_store_bytes', "Size of the store's file.", ({ bytes }) => bytes);
  shown(
    'chorus_store_responses',
    'Responses that are kept; missing while the store does not tell.',
    (held) => held.responses,
  );
}

/** A store, and how long it may take to tell what it holds. */
interface Asked {
  readonly store: ResponseStore;
  readonly clock: Clock;
}

interface ContentsSeries {
  readonly name: string;
  readonly help: string;
  readonly read: (held: StoreContents) => number;
}

/** A gauge of what the store holds; each asks for itself, because a page takes the values of all at once. */
export function registerContents(
  registry: Registry,
  { store, clock }: Asked,
  { read, ...named }: ContentsSeries,
): void {
  const series: Gauge = new Gauge({
    ...named,
    registers: [registry],
    collect: async () => {
      const held = await contentsOf(store, clock);
      series.set(held === null ? Number.NaN : read(held));
    },
  });
}

/** Null while the store does not tell. */
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
