import { describe, expect, it } from 'vitest';
import type { ItemPage, ResponseStore, StoredContext, StoreError } from '../../src/store/response-store.ts';
import { EXPIRES_MS, item, NOW_MS, response, type SettableClock, turn, turnItemIds } from '../support/store-bench.ts';

/** A store, and the clock by which it judges what has expired. */
export interface StoreUnderTest {
  readonly store: ResponseStore;
  readonly clock: SettableClock;
}

const idsOf = (context: StoredContext | null): string[] | null => context?.items.map(({ id }) => id) ?? null;
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: StoreError) => error.code,
  );

async function putTurns(store: ResponseStore, name: string, last: number): Promise<void> {
  for (let number = 1; number <= last; number++) await store.put(turn(name, number));
}

/** What every `ResponseStore` does. `open` gives an empty one for each test. */
export function describeResponseStore(open: () => Promise<StoreUnderTest>): void {
  describe('put and get', () => keepsResponses(open));
  describe('context', () => keepsContexts(open));
  describe('items', () => keepsItems(open));
  describe('input items', () => pagesInputItems(open));
  describe('delete', () => deletes(open));
  describe('expiry', () => expires(open));
  describe('projects', () => separatesProjects(open));
}

function keepsResponses(open: () => Promise<StoreUnderTest>): void {
  it('gives back what was put', async () => {
    const { store } = await open();
    const output = [
      item('rs_1', 'thinking', [200005, 1, 127, 128, 16_383, 16_384, 200_019]),
      item('msg_1', 'an answer', []),
    ];
    await store.put(response('resp_1', { newInput: [item('msg_0', 'a question')], output, json: '{"model":"m"}' }));
    expect(await store.get('default', 'resp_1')).toEqual({
      id: 'resp_1',
      project: 'default',
      createdAtMs: NOW_MS,
      expiresAtMs: EXPIRES_MS,
      previousResponseId: null,
      json: '{"model":"m"}',
      rootDate: '2026-03-01',
      output,
    });
  });

  it('shows a response before it is committed, and its follow-up', async () => {
    const { store } = await open();
    const puts = [store.put(turn('a', 1)), store.put(turn('a', 2))];
    const [found, context, items] = await Promise.all([
      store.get('default', 'a1'),
      store.context('default', 'a2'),
      store.items('default', ['a2-in']),
    ]);
    expect(found?.id).toBe('a1');
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

  it('refuses an id that is taken, a parent and an item that are not there, and nothing beside them', async () => {
    const { store } = await open();
    await store.put(turn('a', 1));
    const outcomes = await Promise.all([
      codeOf(store.put(turn('a', 1, { json: '{"second":true}' }))),
      codeOf(store.put(response('orphan', { previousResponseId: 'gone', newInput: [item('orphan-in', 'x')] }))),
      codeOf(store.put(response('dangling', { newInput: [item('d-in', 'x'), { reference: 'gone' }] }))),
      codeOf(store.put(turn('a', 2))),
    ]);
    expect(outcomes).toEqual(['duplicate_response', 'unknown_parent', 'unknown_item', 'resolved']);
    expect((await store.get('default', 'a1'))?.json).toBe(turn('a', 1).json);
    expect(await store.get('default', 'orphan')).toBeNull();
    expect(await store.items('default', ['orphan-in', 'd-in'])).toEqual(new Map());
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
    expect(context).toEqual({ items: [...turn('a', 1).newInput, ...turn('a', 1).output], rootDate: '2026-03-01' });
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

  it('puts the item in place of a reference, with its token ids', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    await store.put(
      response('b', { newInput: [{ reference: 'a1-in' }, { reference: 'a1-out' }, item('b-in', 'more')] }),
    );
    expect((await store.context('default', 'b'))?.items).toEqual([
      ...turn('a', 1).newInput,
      ...turn('a', 1).output,
      item('b-in', 'more'),
    ]);
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
    await store.put(response('a2', { previousResponseId: 'a1', newInput: [{ reference: 'a1-in' }, item('new', 'x')] }));
    expect(await allPages(store, 'a2', { limit: 1, order: 'asc' })).toEqual([['a1-in'], ['a1-out'], ['new']]);
    expect(await allPages(store, 'a2', { limit: 1, order: 'desc' })).toEqual([['new'], ['a1-out'], ['a1-in']]);
    expect(idsOf(await store.context('default', 'a2'))).toEqual(['a1-in', 'a1-out', 'a1-in', 'new']);
  });
}

function deletes(open: () => Promise<StoreUnderTest>): void {
  it('makes a response unknown everywhere', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    expect(await store.delete('default', 'a1')).toBe(true);
    expect(await store.get('default', 'a1')).toBeNull();
    expect(await store.context('default', 'a1')).toBeNull();
    expect(await store.items('default', ['a1-in', 'a1-out'])).toEqual(new Map());
    expect(await store.delete('default', 'a1')).toBe(false);
    expect(await codeOf(store.put(turn('a', 2)))).toBe('unknown_parent');
  });

  it('is seen by what is called after it, before it is committed', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    const deleted = store.delete('default', 'a1');
    expect(await store.get('default', 'a1')).toBeNull();
    expect(await deleted).toBe(true);
    await store.put(turn('b', 1));
    const second = store.delete('default', 'b1');
    expect(await store.items('default', ['b1-in'])).toEqual(new Map());
    await second;
  });

  it.for([
    ['the parent', ['a39']],
    ['the root', ['a1']],
    ['every ancestor, the oldest first', Array.from({ length: 39 }, (_, index) => `a${index + 1}`)],
    ['every ancestor, the youngest first', Array.from({ length: 39 }, (_, index) => `a${39 - index}`)],
  ] as const)('of %s leaves a descendant its whole context, and it can be continued', async ([, ids]) => {
    const { store } = await open();
    await putTurns(store, 'a', 40);
    for (const id of ids) expect(await store.delete('default', id)).toBe(true);
    expect(idsOf(await store.context('default', 'a40'))).toEqual(turnItemIds('a', 40));
    expect((await store.get('default', 'a40'))?.previousResponseId).toBe('a39');
    await store.put(turn('a', 41));
    expect(idsOf(await store.context('default', 'a41'))).toEqual(turnItemIds('a', 41));
  });

  it('of a child leaves the parent and its other children as they were', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 2);
    await store.put(turn('fork', 1, { previousResponseId: 'a1' }));
    await store.delete('default', 'a2');
    expect(idsOf(await store.context('default', 'a1'))).toEqual(turnItemIds('a', 1));
    expect(idsOf(await store.context('default', 'fork1'))).toEqual([...turnItemIds('a', 1), ...turnItemIds('fork', 1)]);
    expect(await store.items('default', ['a2-in', 'a2-out'])).toEqual(new Map());
  });

  it('keeps items that another response refers to until that is deleted too', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    await store.put(response('b', { newInput: [{ reference: 'a1-out' }] }));
    await store.delete('default', 'a1');
    expect([...(await store.items('default', ['a1-in', 'a1-out'])).keys()]).toEqual(['a1-out']);
    expect(idsOf(await store.context('default', 'b'))).toEqual(['a1-out']);
    await store.delete('default', 'b');
    expect(await store.items('default', ['a1-out'])).toEqual(new Map());
  });
}

function expires(open: () => Promise<StoreUnderTest>): void {
  it('makes a response unknown from its moment on, swept or not', async () => {
    const { store, clock } = await open();
    await store.put(turn('a', 1));
    await store.put(turn('a', 2, { expiresAtMs: EXPIRES_MS + 1 }));
    clock.wallMs = EXPIRES_MS - 1;
    expect((await store.get('default', 'a1'))?.id).toBe('a1');
    clock.wallMs = EXPIRES_MS;
    expect(await store.get('default', 'a1')).toBeNull();
    expect(await store.context('default', 'a1')).toBeNull();
    expect(await store.inputItems('default', 'a1', { after: null, limit: 1, order: 'asc' })).toBe('unknown_response');
    expect(await store.delete('default', 'a1')).toBe(false);
    expect(idsOf(await store.context('default', 'a2'))).toEqual(turnItemIds('a', 2));
  });

  it('is swept in small steps, the oldest first, and takes the items along', async () => {
    const { store } = await open();
    for (const number of [1, 2, 3, 4, 5]) {
      await store.put(turn(`c${number}-`, 1, { expiresAtMs: NOW_MS + number }));
    }
    expect(await store.sweep(NOW_MS, 10)).toBe(0);
    expect(await store.sweep(NOW_MS + 4, 3)).toBe(3);
    expect([...(await store.items('default', ['c1-1-in', 'c3-1-in', 'c4-1-in'])).keys()]).toEqual(['c4-1-in']);
    expect(await store.sweep(NOW_MS + 4, 3)).toBe(1);
    expect(await store.sweep(NOW_MS + 4, 3)).toBe(0);
    expect((await store.get('default', 'c5-1'))?.id).toBe('c5-1');
  });
}

function separatesProjects(open: () => Promise<StoreUnderTest>): void {
  it('keeps the same ids of two projects apart', async () => {
    const { store } = await open();
    await store.put(response('r', { project: 'one', output: [item('i', 'of one')] }));
    await store.put(response('r', { project: 'two', output: [item('i', 'of two')] }));
    await store.delete('one', 'r');
    expect(await store.get('one', 'r')).toBeNull();
    expect((await store.context('two', 'r'))?.items).toEqual([item('i', 'of two')]);
    expect(await store.items('two', ['i'])).toEqual(new Map([['i', item('i', 'of two')]]));
  });

  it('takes what is of another project for unknown', async () => {
    const { store } = await open();
    await store.put(turn('a', 1, { project: 'one' }));
    expect(await store.get('two', 'a1')).toBeNull();
    expect(await store.context('two', 'a1')).toBeNull();
    expect(await store.inputItems('two', 'a1', { after: null, limit: 1, order: 'asc' })).toBe('unknown_response');
    expect(await store.items('two', ['a1-in'])).toEqual(new Map());
    expect(await store.delete('two', 'a1')).toBe(false);
    expect(await codeOf(store.put(turn('a', 2, { project: 'two' })))).toBe('unknown_parent');
    expect(await codeOf(store.put(response('b', { project: 'two', newInput: [{ reference: 'a1-in' }] })))).toBe(
      'unknown_item',
    );
    expect((await store.get('one', 'a1'))?.id).toBe('a1');
  });
}
