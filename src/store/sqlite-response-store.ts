import type { Clock } from '../domain/clock.ts';
import { encodeBodies, splitBodies } from './body.ts';
import type { Lookup, PackedItem, PackedResponse, StoreWrite } from './messages.ts';
import {
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
import type { WorkerLink } from './worker-link.ts';
import { type WriteLimits, WriteQueue } from './write-queue.ts';

/** The gateway's side of the store: packs, groups the changes, and leaves the rest to the worker. */
export class SqliteResponseStore implements ResponseStore {
  readonly #link: WorkerLink;
  readonly #clock: Clock;
  readonly #queue: WriteQueue;
  #closing: Promise<void> | null = null;

  constructor(link: WorkerLink, clock: Clock, limits: WriteLimits) {
    this.#link = link;
    this.#clock = clock;
    this.#queue = new WriteQueue((writes) => link.call('write', writes, buffersOf(writes)), clock, limits);
  }

  async put(response: NewResponse): Promise<void> {
    this.#assertOpen();
    const packed = packResponse(response);
    const bytes = packed.body.buffer.byteLength;
    await this.#queue.add({ write: { kind: 'put', response: packed }, bytes, touches: touchedBy(response) });
  }

  async get(project: string, id: string): Promise<StoredResponse | null> {
    const found = await this.#link.call('get', this.#lookup(project, id));
    if (found === null) return null;
    const { items, ...response } = found;
    const [object, ...output] = splitBodies(items);
    return { ...response, json: object?.json ?? '', output };
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
    this.#queue.flushIfTouched([removalKey(project), ...ids.map((id) => itemKey(project, id))]);
    const records = splitBodies(await this.#link.call('items', { project, ids, nowMs: this.#clock.nowMs() }));
    return new Map(records.map((record) => [record.id, record]));
  }

  async delete(project: string, id: string): Promise<boolean> {
    this.#assertOpen();
    const write: StoreWrite = { kind: 'delete', project, id, nowMs: this.#clock.nowMs() };
    return (await this.#queue.add({ write, bytes: 0, touches: [responseKey(project, id), removalKey(project)] })) > 0;
  }

  async sweep(nowMs: number, limit: number): Promise<number> {
    this.#assertOpen();
    return this.#queue.add({ write: { kind: 'sweep', nowMs, limit }, bytes: 0, touches: [] });
  }

  async contents(): Promise<StoreContents> {
    this.#assertOpen();
    return this.#link.call('contents', null);
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
    this.#queue.flushIfTouched([responseKey(project, id)]);
    return { project, id, nowMs: this.#clock.nowMs() };
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new StoreError('closed', 'The store is closed.');
  }
}

const responseKey = (project: string, id: string): string => `response\0${project}\0${id}`;
const itemKey = (project: string, id: string): string => `item\0${project}\0${id}`;
/** Any item of the project may have gone. */
const removalKey = (project: string): string => `removal\0${project}`;

/** The response object comes first, then the given items in their order. */
function packResponse({ newInput, output, json, ...rest }: NewResponse): PackedResponse {
  const given = newInput.flatMap((item) => ('reference' in item ? [] : [item]));
  const [body = new Uint8Array(), ...bodies] = encodeBodies([
    { id: rest.id, json, tokenIds: null },
    ...given,
    ...output,
  ]);
  let next = 0;
  const pack = ({ id }: ItemRecord): PackedItem => ({ id, body: bodies[next++] ?? body });
  return {
    ...rest,
    newInput: newInput.map((item) => ('reference' in item ? item : pack(item))),
    output: output.map(pack),
    body,
  };
}

const buffersOf = (writes: readonly StoreWrite[]): ArrayBuffer[] =>
  writes.flatMap((write) => (write.kind === 'put' ? [write.response.body.buffer] : []));

function touchedBy({ project, id, newInput, output }: NewResponse): string[] {
  const given = [...newInput, ...output].flatMap((item) => ('reference' in item ? [] : itemKey(project, item.id)));
  return [responseKey(project, id), ...given];
}
