import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import type { ResponseStore, StoreError } from '../../src/store/response-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  item,
  openStore,
  response,
  seededRandom,
  storeDirectory,
  turn,
  turnItemIds,
  usageRow,
} from '../support/store-bench.ts';

const WRITER = fileURLToPath(new URL('../support/children/store-writer.ts', import.meta.url));
const GROUP_SIZE = 8;

/** Lets a child write until it has printed `groups` numbers, kills it, and returns what it had printed by its end. */
async function writeUntilKilled(directory: string, groups: number): Promise<number[]> {
  const child = execa(process.execPath, [WRITER, directory, String(GROUP_SIZE)], { reject: false });
  const printed: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(Number(line));
    if (printed.length === groups) child.kill('SIGKILL');
  }
  await child;
  return printed;
}

async function storedOf(store: ResponseStore, group: number): Promise<number> {
  const ids = Array.from({ length: GROUP_SIZE }, (_, index) => `g${group}-${index}`);
  const found = await Promise.all(ids.map((id) => store.get('default', id)));
  return found.filter((each) => each !== null).length;
}

/** The ids of a ledger, in order. */
async function recorded({ usage }: ResponseStore): Promise<string[]> {
  const filter = { sinceMs: null, untilMs: null, project: null, keyId: null };
  return (await usage.page({ filter, after: 0, limit: 100_000 })).rows.map(({ id }) => id);
}

it.for([1, 2, 3, 4, 5])('SIGKILL loses nothing that was put, and leaves no half of a group (seed %i)', async (seed) => {
  const directory = storeDirectory();
  const printed = await writeUntilKilled(directory, 1 + Math.floor(seededRandom(seed)() * 60));
  const store = await openStore({ directory });
  for (const group of printed) expect(await storedOf(store, group)).toBe(GROUP_SIZE);
  const next = (printed.at(-1) ?? 0) + 1;
  expect([0, GROUP_SIZE]).toContain(await storedOf(store, next));
  expect(await storedOf(store, next + 1)).toBe(0);
  const groups = await recorded(store);
  expect(groups.slice(0, printed.length * GROUP_SIZE)).toEqual(
    printed.flatMap((group) => Array.from({ length: GROUP_SIZE }, (_, index) => `g${group}-${index}`)),
  );
  expect(groups.length - printed.length * GROUP_SIZE).toBe(await storedOf(store, next));
  const last = await store.context('default', `g${printed.at(-1)}-${GROUP_SIZE - 1}`);
  expect(last?.items.length).toBe(2 * GROUP_SIZE);
});

it('close commits what waits, and what is closed refuses', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory, clock: new FakeClock() });
  const puts = [store.put(turn('a', 1)), store.put(turn('a', 2))];
  await Promise.all([store.close(), store.close(), ...puts]);
  const refused: Promise<unknown>[] = [
    store.put(turn('a', 3)),
    store.get('default', 'a1'),
    store.context('default', 'a1'),
    store.inputItems('default', 'a1', { after: null, limit: 1, order: 'asc' }),
    store.items('default', ['a1-in']),
    store.delete('default', 'a1'),
    store.sweep(0, 1),
    store.usage.add(usageRow()),
    store.usage.markDelivered(1),
    recorded(store),
  ];
  const codes = refused.map((promise) => promise.catch((error: StoreError) => error.code));
  expect(await Promise.all(codes)).toEqual(refused.map(() => 'closed'));
  const reopened = await openStore({ directory });
  expect((await reopened.context('default', 'a2'))?.items.map(({ id }) => id)).toEqual(turnItemIds('a', 2));
});

it('a full disk fails the group that met it, whole, and the store goes on', async () => {
  const store = await openStore({ maxFileBytes: 400_000 });
  await store.put(turn('a', 1));
  const tooMuch = response('big', { output: [item('big-out', 'x'.repeat(600_000))] });
  const group = [store.put(turn('a', 2), usageRow({ id: 'a2' })), store.put(tooMuch), store.usage.add(usageRow())];
  const errors = await Promise.all(group.map((put) => put.catch((error: StoreError) => error)));
  expect(errors.map((error) => error instanceof Error && error.code)).toEqual(['disk_full', 'disk_full', 'disk_full']);
  expect(errors[0]?.message).toBe('The disk under the store is full (database or disk is full).');
  const found = await Promise.all(['a1', 'a2', 'big', 'b1'].map((id) => store.get('default', id)));
  expect(found.map((each) => each !== null)).toEqual([true, false, false, false]);
  await store.put(turn('a', 2), usageRow({ id: 'a2', project: 'other' }));
  expect((await store.context('default', 'a2'))?.items.map(({ id }) => id)).toEqual(turnItemIds('a', 2));
  expect(await recorded(store)).toEqual(['a2']);
});

it('what is deleted makes room on a full disk', async () => {
  const store = await openStore({ maxFileBytes: 1_000_000 });
  const fill = (id: string): Promise<void> =>
    store.put(response(id, { output: [item(`${id}-out`, 'x'.repeat(50_000))] }));
  let count = 0;
  const full: StoreError = await (async () => {
    for (;;) {
      const error = await fill(`r${count}`).then(
        () => null,
        (thrown: StoreError) => thrown,
      );
      if (error !== null) return error;
      count++;
    }
  })();
  expect(full.code).toBe('disk_full');
  expect(count).toBeGreaterThan(10);
  for (let round = 0; round < 3 * count; round++) {
    expect(await store.delete('default', `r${round}`)).toBe(true);
    await fill(`r${round + count}`);
  }
});

it('acknowledges nothing once its file is deleted or another stands in its place', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  await store.put(turn('a', 1));
  rmSync(directory, { recursive: true });
  const gone = {
    code: 'io_error',
    message:
      "The store's file was deleted or replaced while Chorus has it open: nothing more can be kept. Restart Chorus.",
  };
  await expect(store.put(turn('a', 2))).rejects.toMatchObject(gone);
  expect(await store.get('default', 'a2')).toBe(null);
  await expect(store.usage.add(usageRow())).rejects.toMatchObject(gone);
  mkdirSync(directory);
  writeFileSync(join(directory, 'store.db'), '');
  await expect(store.put(turn('a', 3))).rejects.toMatchObject(gone);
});
