import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { item, openStore, sizeOf, storeDirectory, turn } from '../support/store-bench.ts';

it('a conversation of 200 turns grows by what is said, not by its length', async () => {
  const directory = storeDirectory();
  const bytesAfter = async (first: number, last: number): Promise<number> => {
    const store = await openStore({ directory, limits: { groupDelayMs: 0 } });
    const puts = Array.from({ length: last - first + 1 }, (_, index) => first + index).map((number) =>
      store.put(turn('a', number, { output: [item(`a${number}-out`, 'x'.repeat(6_000), [number])] })),
    );
    await Promise.all(puts);
    await store.close();
    return sizeOf(directory);
  };
  const [at0, at100, at200] = [await bytesAfter(1, 0), await bytesAfter(1, 100), await bytesAfter(101, 200)];
  expect(at200 - at100).toBeLessThan(1.1 * (at100 - at0));
  const database = new DatabaseSync(join(directory, 'store.db'), { readOnly: true });
  const lists = database.prepare(
    'SELECT sum(length(input) + length(output) + coalesce(length(earlier), 0)) AS bytes, count(*) AS turns FROM turns',
  );
  const { bytes, turns } = lists.get() as { bytes: number; turns: number };
  database.close();
  expect(turns).toBe(200);
  expect(bytes / turns).toBeLessThan(30);
});
