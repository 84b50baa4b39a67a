import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packIntegers } from '../../src/store/packed-integers.ts';
import type { NewResponse } from '../../src/store/response-store.ts';
import {
  bytesIn,
  item,
  NOW_MS,
  openStore,
  response,
  seededRandom,
  storeDirectory,
  turn,
} from '../support/store-bench.ts';

it('leaves no byte of a text in any file, and none of its token ids', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  const tokenIds = Array.from({ length: 40 }, (_, index) => 150_000 + 7 * index);
  const tokenBytes = Buffer.from(packIntegers(tokenIds)).toString('latin1');
  await store.put(
    response('secret', {
      json: '{"instructions":"the instruction text"}',
      newInput: [item('in', 'the input text')],
      output: [item('out', `the output text ${'long '.repeat(5_000)}`, tokenIds)],
    }),
  );
  await store.put(turn('kept', 1));
  const texts = ['the instruction text', 'the input text', 'the output text', 'long long', tokenBytes];
  const before = bytesIn(directory);
  expect(texts.filter((text) => before.includes(text))).toEqual(texts);
  await store.delete('default', 'secret');
  const after = bytesIn(directory);
  expect(texts.filter((text) => after.includes(text))).toEqual([]);
  expect(after).toContain('question 1 of kept');
});

it('leaves the text of an item as long as somebody needs it', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  await store.put(turn('a', 1));
  await store.put(turn('a', 2));
  await store.put(response('b', { newInput: [item('a2-in', 'question 2 of a')] }));
  const left = (): string[] =>
    ['question 1 of a', 'answer 1 of a', 'question 2 of a', 'answer 2 of a'].filter((text) =>
      bytesIn(directory).includes(text),
    );
  await store.delete('default', 'a1');
  expect(left()).toEqual(['question 1 of a', 'answer 1 of a', 'question 2 of a', 'answer 2 of a']);
  await store.delete('default', 'a2');
  expect(left()).toEqual(['question 2 of a']);
  await store.delete('default', 'b');
  expect(left()).toEqual([]);
});

it('sweeps the text of expired responses out of the files', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  await store.put(turn('a', 1, { expiresAtMs: NOW_MS }));
  await store.sweep(NOW_MS, 10);
  expect(bytesIn(directory)).not.toContain('question 1 of a');
});

/** Neighbours of a deleted text move within the files in naive schemes, and leave copies of themselves behind. */
it('finds no deleted text after hundreds of puts and deletions of any size in any order', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  const random = seededRandom(11);
  const mark = (number: number): string => `<${number}>`;
  const text = (number: number): string => mark(number).repeat(1 + Math.floor(Math.exp(random() * 7)));
  const marked = (number: number): NewResponse =>
    response(`r${number}`, {
      json: JSON.stringify({ instructions: text(number) }),
      newInput: [item(`i${number}`, text(number))],
      output: [item(`o${number}`, text(number), [number])],
    });
  const living: number[] = [];
  const deleted: number[] = [];
  for (let round = 0; round < 100; round++) {
    const puts = Array.from({ length: 9 }, (_, index) => 9 * round + index);
    await Promise.all(puts.map((each) => store.put(marked(each))));
    living.push(...puts);
    const victims = Array.from({ length: 8 }, () => living.splice(Math.floor(random() * living.length), 1)).flat();
    await Promise.all(victims.map((each) => store.delete('default', `r${each}`)));
    deleted.push(...victims);
  }
  const found = new Set(bytesIn(directory).match(/<\d+>/g));
  expect(deleted.filter((each) => found.has(mark(each)))).toEqual([]);
  expect(living.filter((each) => !found.has(mark(each)))).toEqual([]);
});

it('of everything leaves empty tables, and the room is used again', async () => {
  const directory = storeDirectory();
  const first = await openStore({ directory });
  for (let number = 1; number <= 40; number++) await first.put(turn('a', number));
  for (let number = 1; number <= 40; number++) await first.delete('default', `a${number}`);
  for (let number = 1; number <= 40; number++) await first.put(turn('b', number));
  for (let number = 40; number >= 1; number--) await first.delete('default', `b${number}`);
  await first.close();
  const database = new DatabaseSync(join(directory, 'store.db'), { readOnly: true });
  const count = (table: string): unknown => database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'];
  expect(['turns', 'responses', 'items', 'item_uses'].map(count)).toEqual([0, 0, 0, 0]);
  expect([count('bodies'), count('free_bodies')]).toEqual([120, 120]);
  database.close();
});
