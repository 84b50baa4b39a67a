import type { Clock } from '../domain/clock.ts';
import { measureBody, splitBodies, type MeasuredBody } from './body.ts';
import type { Lookup, PendingWrite, ResponseOf, WriteOutcome } from './messages.ts';
import {
  type CommitReport,
  type ItemList,
  type ItemPage,
  type ItemRecord,
  type NewResponse,
  type ResponseStore,
  type StoreContents,
  type StoredContext,
  type StoredResponse,
  StoreError,
} from './response-store.ts';
import { SqliteUsageLedger } from './sqlite-usage-ledger.ts';
import type { UsageLedger, UsageRow } from './usage-ledger.ts';
import type { WorkerLink } from './worker-link.ts';
import { packGroup } from './write-group.ts';
import { type WriteLimits, WriteQueue } from './write-queue.ts';

/** The gateway's side of the store: packs, groups the changes, and leaves the rest to the worker. */
export class SqliteResponseStore implements ResponseStore {
  readonly #link: WorkerLink;
  readonly #clock: Clock;
  readonly #queue: WriteQueue;
  readonly usage: UsageLedger;
  #closing: Promise<void> | null = null;

  constructor(link: WorkerLink, clock: Clock, limits: WriteLimits) {
    this.#link = link;
    this.#clock = clock;
    this.#queue = new WriteQueue((writes) => commit(link, writes), clock, limits);
    this.usage = new SqliteUsageLedger(link, this.#queue, () => this.#assertOpen());
  }

  async put(response: NewResponse, usage: UsageRow | null = null): Promise<void> {
    this.#assertOpen();
    const measured = measureResponse(response);
    const write: PendingWrite = { kind: 'put', response: measured, usage };
    await this.#queue.add({ write, bytes: sizeOf(measured), touches: touchedBy(response) });
  }

  async get(project: string, id: string): Promise<StoredResponse | null> {
    const found = await this.#link.call('get', this.#lookup(project, id));
    if (found === null) return null;
    const [object, ...output] = splitBodies(found);
    return { json: object?.json ?? '', output };
  }

  async context(project: string, id: string): Promise<StoredContext | null> {
    const found = await this.#link.call('context', this.#lookup(project, id));
    return found === null ? null : { ...found, items: splitBodies(found.items) };
  }

  async inputItems(
    project: string,
    id: string,
    page: ItemPage,
  ): Promise<ItemList | 'unknown_response' | 'unknown_after'> {
    const found = await this.#link.call('inputItems', { ...this.#lookup(project, id), page });
    return typeof found === 'string' ? found : { items: splitBodies(found.items), hasMore: found.hasMore };
  }

  async items(project: string, ids: readonly string[]): Promise<ReadonlyMap<string, ItemRecord>> {
    this.#assertOpen();
    this.#queue.flushIfTouched([REMOVAL, ...ids]);
    const records = splitBodies(await this.#link.call('items', { project, ids, nowMs: this.#clock.nowMs() }));
    return new Map(records.map((record) => [record.id, record]));
  }

  async delete(project: string, id: string): Promise<boolean> {
    this.#assertOpen();
    const write: PendingWrite = { kind: 'delete', project, id, nowMs: this.#clock.nowMs() };
    return (await this.#queue.add({ write, bytes: 0, touches: [id, REMOVAL] })) > 0;
  }

  async sweep(nowMs: number, limit: number): Promise<number> {
    this.#assertOpen();
    return this.#queue.add({ write: { kind: 'sweep', nowMs, limit }, bytes: 0, touches: [] });
  }

  async contents(): Promise<StoreContents> {
    this.#assertOpen();
    return this.#link.call('contents', null);
  }

  get pendingWrites(): number {
    return this.#queue.pendingWrites;
  }

  onCommit(listener: (report: CommitReport) => void): void {
    this.#queue.onCommit = listener;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#queue.flush();
    await this.#link.call('close', null);
    await this.#link.whenEnded();
  }

  #lookup(project: string, id: string): Lookup {
    this.#assertOpen();
    this.#queue.flushIfTouched([id]);
    return { project, id, nowMs: this.#clock.nowMs() };
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new StoreError('closed', 'The store is closed.');
  }
}

/** Beside the ids of what a change touches: any item may have gone. */
const REMOVAL = 'removal';

function commit(link: WorkerLink, writes: readonly PendingWrite[]): Promise<readonly WriteOutcome[]> {
  const group = packGroup(writes);
  return link.call('write', group, [group.bodies.buffer]);
}

function measureResponse({ newInput, output, json, ...rest }: NewResponse): ResponseOf<MeasuredBody> {
  return {
    ...rest,
    newInput: newInput.map(measureBody),
    output: output.map(measureBody),
    object: measureBody({ id: rest.id, json, tokenIds: null }),
  };
}

function sizeOf({ newInput, output, object }: ResponseOf<MeasuredBody>): number {
  return [...newInput, ...output].reduce((sum, { size }) => sum + size, object.size);
}

/** Ids of any project: a group that is handed on early for the sake of another's is no harm. */
function touchedBy({ id, newInput, output }: NewResponse): string[] {
  return [id, ...[...newInput, ...output].map((item) => item.id)];
}
