import { describe, expect, it } from 'vitest';
import type { ItemPage, ResponseStore } from '../../src/store/response-store.ts';
import {
  codeOf,
  EXPIRES_MS,
  idsOf,
  item,
  NOW_MS,
  putTurns,
  response,
  type StoreUnderTest,
  turn,
  turnItemIds,
} from '../support/store-bench.ts';
import { deletes, expires, separatesProjects } from './contract-removal.ts';
import { keepsUsage } from './contract-usage.ts';

/** What every `ResponseStore` does. `open` gives an empty one for each test. */
export function describeResponseStore(open: () => Promise<StoreUnderTest>): void {
  describe('put and get', () => keepsResponses(open));
  describe('context', () => keepsContexts(open));
  describe('items', () => keepsItems(open));
  describe('input items', () => pagesInputItems(open));
  describe('delete', () => deletes(open));
  describe('expiry', () => expires(open));
  describe('projects', () => separatesProjects(open));
  describe('contents', () => tellsContents(open));
  describe('usage', () => keepsUsage(open));
}

function keepsResponses(open: () => Promise<StoreUnderTest>): void {
  it('gives back what was put', async () => {
    const { store } = await open();
    const output = [
      item('rs_1', 'thinking', [200005, 1, 127, 128, 16_383, 16_384, 200_019]),
      item('msg_1', 'an answer', []),
    ];
    await store.put(response('resp_1', { newInput: [item('msg_0', 'a question')], output, json: '{"model":"m"}' }));
    expect(await store.get('default', 'resp_1')).toEqual({ json: '{"model":"m"}', output });
  });

  it('shows a response before it is committed, and its follow-up', async () => {
    const { store } = await open();
    const puts = [store.put(turn('a', 1)), store.put(turn('a', 2))];
    const [found, context, items] = await Promise.all([
      store.get('default', 'a1'),
      store.context('default', 'a2'),
      store.items('default', ['a2-in']),
    ]);
    expect(found?.json).toBe(turn('a', 1).json);
    expect(idsOf(context)).toEqual(turnItemIds('a', 2));
    expect([...items.keys()]).toEqual(['a2-in']);
    await Promise.all(puts);
  });

  it('knows nothing of a response that was never put', async () => {
    const { store } = await open();
    const page: ItemPage = { after: null, limit: 10, order: 'asc' };
    expect(await store.get('default', 'nobody')).toBeNull();
    expect(await store.context('default', 'nobody')).toBeNull();
    expect(await store.inputItems('default', 'nobody', page)).toBe('unknown_response');
    expect(await store.delete('default', 'nobody')).toBe(false);
  });

  it('refuses an id that is taken and a parent that is not there, and nothing beside them', async () => {
    const { store } = await open();
    await store.put(turn('a', 1));
    const outcomes = await Promise.all([
      codeOf(store.put(turn('a', 1, { json: '{"second":true}' }))),
      codeOf(store.put(response('orphan', { previousResponseId: 'gone', newInput: [item('orphan-in', 'x')] }))),
      codeOf(store.put(turn('a', 2))),
    ]);
    expect(outcomes).toEqual(['duplicate_response', 'unknown_parent', 'resolved']);
    expect((await store.get('default', 'a1'))?.json).toBe(turn('a', 1).json);
    expect(await store.get('default', 'orphan')).toBeNull();
    expect(await store.items('default', ['orphan-in'])).toEqual(new Map());
    expect(idsOf(await store.context('default', 'a2'))).toEqual(turnItemIds('a', 2));
  });

  it('keeps any text and a megabyte of it', async () => {
    const { store } = await open();
    const output = [
      item('msg_1', 'Zürich 東京 😀 \u0000 \ud800 "quoted" \\ \u2028'),
      item(
        'msg_2',
        'ä'.repeat(1_000_000),
        Array.from({ length: 100_000 }, (_, index) => index * 2),
      ),
    ];
    await store.put(response('resp_😀', { output, json: '{"metadata":{"Straße":"✓"}}' }));
    const found = await store.get('default', 'resp_😀');
    expect(found?.output).toEqual(output);
    expect(found?.json).toBe('{"metadata":{"Straße":"✓"}}');
  });
}

function keepsContexts(open: () => Promise<StoreUnderTest>): void {
  it('is every input and output from the first turn on, in order', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 50);
    for (const last of [1, 2, 15, 16, 17, 18, 33, 50]) {
      expect(idsOf(await store.context('default', `a${last}`))).toEqual(turnItemIds('a', last));
    }
    const context = await store.context('default', 'a1');
    expect(context).toEqual({
      items: [...turn('a', 1).newInput, ...turn('a', 1).output],
      rootDate: '2026-03-01',
      status: 'completed',
    });
  });

  it('says how the response ended', async () => {
    const { store } = await open();
    await store.put(turn('a', 1, { status: 'incomplete' }));
    await store.put(turn('a', 2, { status: 'failed' }));
    expect((await store.context('default', 'a1'))?.status).toBe('incomplete');
    expect((await store.context('default', 'a2'))?.status).toBe('failed');
  });

  it('forks anywhere, also at the same moment', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 20);
    const forks = Array.from({ length: 10 }, (_, index) => `fork${index}-`);
    await Promise.all(forks.map((name) => store.put(turn(name, 1, { previousResponseId: 'a17' }))));
    for (const name of forks) await store.put(turn(name, 2));
    for (const name of forks) {
      expect(idsOf(await store.context('default', `${name}2`))).toEqual([
        ...turnItemIds('a', 17),
        ...turnItemIds(name, 2),
      ]);
    }
    expect(idsOf(await store.context('default', 'a20'))).toEqual(turnItemIds('a', 20));
  });
}

function tellsContents(open: () => Promise<StoreUnderTest>): void {
  it('tell how many responses there are, how large the file is, and what expires next', async () => {
    const { store } = await open();
    expect(await store.contents()).toMatchObject({ responses: 0, nextExpiryMs: null });
    await putTurns(store, 'a', 2);
    await store.put(turn('b', 1, { expiresAtMs: NOW_MS + 5 }));
    await codeOf(store.put(turn('b', 1)));
    const { responses, bytes, nextExpiryMs } = await store.contents();
    expect({ responses, nextExpiryMs }).toEqual({ responses: 3, nextExpiryMs: NOW_MS + 5 });
    await store.put(turn('a', 3, { output: [item('large', 'x'.repeat(200_000))] }));
    expect((await store.contents()).bytes - bytes).toBeGreaterThan(200_000);
    await store.sweep(NOW_MS + 5, 10);
    await store.delete('default', 'a3');
    expect(await store.contents()).toMatchObject({ responses: 2, nextExpiryMs: EXPIRES_MS });
  });
}

function keepsItems(open: () => Promise<StoreUnderTest>): void {
  it('finds items by id and leaves out those that are not there', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 2);
    expect(await store.items('default', ['a2-out', 'gone', 'a1-in', 'a2-out'])).toEqual(
      new Map([
        ['a2-out', item('a2-out', 'answer 2 of a', [200005, 2])],
        ['a1-in', item('a1-in', 'question 1 of a')],
      ]),
    );
  });

  it('takes an item that is given again as the stored one, token ids included', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    await store.put(response('b', { newInput: [item('a1-out', 'answer 1 of a')] }));
    expect((await store.context('default', 'b'))?.items).toEqual(turn('a', 1).output);
  });

  it('keeps both of two items with one id, and the id means the later', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    const edited = item('a1-in', 'another question');
    await store.put(response('b', { newInput: [edited] }));
    expect(await store.items('default', ['a1-in'])).toEqual(new Map([['a1-in', edited]]));
    expect((await store.context('default', 'b'))?.items).toEqual([edited]);
    expect((await store.context('default', 'a1'))?.items[0]).toEqual(item('a1-in', 'question 1 of a'));
    await store.delete('default', 'b');
    expect(await store.items('default', ['a1-in'])).toEqual(new Map([['a1-in', item('a1-in', 'question 1 of a')]]));
  });
}

function pagesInputItems(open: () => Promise<StoreUnderTest>): void {
  const allPages = async (store: ResponseStore, id: string, page: Omit<ItemPage, 'after'>): Promise<string[][]> => {
    const pages: string[][] = [];
    for (let after: string | null = null, hasMore = true; hasMore;) {
      const list = await store.inputItems('default', id, { ...page, after });
      if (typeof list === 'string') throw new Error(list);
      pages.push(list.items.map((record) => record.id));
      after = list.items.at(-1)?.id ?? null;
      hasMore = list.hasMore;
    }
    return pages;
  };
  /** Three turns, without the output of the last. */
  const LISTED = ['a1-in', 'a1-out', 'a2-in', 'a2-out', 'a3-in'];

  it.for<[limit: number, order: ItemPage['order'], pages: string[][]]>([
    [2, 'asc', [LISTED.slice(0, 2), LISTED.slice(2, 4), LISTED.slice(4)]],
    [2, 'desc', [['a3-in', 'a2-out'], ['a2-in', 'a1-out'], ['a1-in']]],
    [5, 'asc', [LISTED]],
    [5, 'desc', [LISTED.toReversed()]],
    [4, 'asc', [LISTED.slice(0, 4), LISTED.slice(4)]],
    [100, 'asc', [LISTED]],
  ])('are listed %i at a time in order %s, without the own output', async ([limit, order, pages]) => {
    const { store } = await open();
    await putTurns(store, 'a', 3);
    expect(await allPages(store, 'a3', { limit, order })).toEqual(pages);
  });

  it('end with an empty page behind the last', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    const page: ItemPage = { after: 'a1-in', limit: 1, order: 'asc' };
    expect(await store.inputItems('default', 'a1', page)).toEqual({ items: [], hasMore: false });
  });

  it('do not go on behind an item that is not among them', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 2);
    for (const after of ['nothing', 'a2-out']) {
      expect(await store.inputItems('default', 'a2', { after, limit: 1, order: 'asc' })).toBe('unknown_after');
    }
  });

  it('list an item once that stands in the context twice', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    await store.put(
      response('a2', { previousResponseId: 'a1', newInput: [item('a1-in', 'question 1 of a'), item('new', 'x')] }),
    );
    expect(await allPages(store, 'a2', { limit: 1, order: 'asc' })).toEqual([['a1-in'], ['a1-out'], ['new']]);
    expect(await allPages(store, 'a2', { limit: 1, order: 'desc' })).toEqual([['new'], ['a1-out'], ['a1-in']]);
    expect(idsOf(await store.context('default', 'a2'))).toEqual(['a1-in', 'a1-out', 'a1-in', 'new']);
  });
}
