import { expect, it } from 'vitest';
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

/** What `delete` promises. */
export function deletes(open: () => Promise<StoreUnderTest>): void {
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

  it('keeps items that another response has too until that is deleted', async () => {
    const { store } = await open();
    await putTurns(store, 'a', 1);
    await store.put(response('b', { newInput: [item('a1-out', 'answer 1 of a')] }));
    await store.delete('default', 'a1');
    expect([...(await store.items('default', ['a1-in', 'a1-out'])).keys()]).toEqual(['a1-out']);
    expect(idsOf(await store.context('default', 'b'))).toEqual(['a1-out']);
    await store.delete('default', 'b');
    expect(await store.items('default', ['a1-out'])).toEqual(new Map());
  });
}

/** What becomes of expired responses. */
export function expires(open: () => Promise<StoreUnderTest>): void {
  it('makes a response unknown from its moment on, swept or not', async () => {
    const { store, clock } = await open();
    await store.put(turn('a', 1));
    await store.put(turn('a', 2, { expiresAtMs: EXPIRES_MS + 1 }));
    clock.wallMs = EXPIRES_MS - 1;
    expect((await store.get('default', 'a1'))?.json).toBe(turn('a', 1).json);
    clock.wallMs = EXPIRES_MS;
    expect(await store.get('default', 'a1')).toBeNull();
    expect(await store.context('default', 'a1')).toBeNull();
    expect(await store.inputItems('default', 'a1', { after: null, limit: 1, order: 'asc' })).toBe('unknown_response');
    expect(await store.delete('default', 'a1')).toBe(false);
    expect(idsOf(await store.context('default', 'a2'))).toEqual(turnItemIds('a', 2));
  });

  it('takes an item along, swept or not, unless a later turn still has it in its context', async () => {
    const { store, clock } = await open();
    await store.put(turn('a', 1));
    await store.put(turn('a', 2));
    await store.put(turn('a', 3, { expiresAtMs: EXPIRES_MS + 1 }));
    await store.put(turn('b', 1));
    await store.put(response('c', { newInput: [item('b1-in', 'edited')], expiresAtMs: EXPIRES_MS - 1 }));
    clock.wallMs = EXPIRES_MS - 1;
    expect([...(await store.items('default', ['a1-in', 'b1-in'])).values()]).toEqual([
      item('a1-in', 'question 1 of a'),
      item('b1-in', 'question 1 of b'),
    ]);
    clock.wallMs = EXPIRES_MS;
    expect([...(await store.items('default', ['a1-in', 'a3-out', 'b1-in', 'b1-out'])).keys()]).toEqual([
      'a1-in',
      'a3-out',
    ]);
    clock.wallMs = EXPIRES_MS + 1;
    expect(await store.items('default', ['a1-in', 'a3-out'])).toEqual(new Map());
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
    expect(await store.get('default', 'c5-1')).not.toBeNull();
  });
}

/** What one project knows of another: nothing. */
export function separatesProjects(open: () => Promise<StoreUnderTest>): void {
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
    expect((await store.get('one', 'a1'))?.json).toBe(turn('a', 1).json);
  });
}
