import { expect, it } from 'vitest';
import { PromiseBook } from '../../scripts/chaos/promises.ts';
import { MiB } from '../../src/domain/units.ts';

const steady = Array.from({ length: 9 }, () => 100 * MiB);
const broken = (book: PromiseBook, samples = steady) =>
  book.verdicts(samples).flatMap(({ promise, happened, kept }) => (kept ? [] : [`${promise}: ${happened}`]));

it('a run in which answers complete, fail honestly or are excused keeps every promise', () => {
  const book = new PromiseBook();
  book.note({ kind: 'completed', responseId: 'resp_1' });
  book.note({ kind: 'failed', reason: 'server_error: gone' });
  book.note({ kind: 'excused', by: 'death' });
  expect(broken(book)).toEqual([]);
  expect([book.announced, book.failures]).toEqual([['resp_1'], [['server_error: gone', 1]]]);
});

it('each broken promise is counted and told', () => {
  const book = new PromiseBook();
  book.note({ kind: 'completed', responseId: 'resp_1' });
  book.noteLost('resp_1');
  book.note({ kind: 'unfinished', detail: 'connection broken after 3 events' });
  book.note({ kind: 'wrong', detail: 'What is 1 + 1? -> 3' });
  book.noteOrphans(['17 VLLM::Worker']);
  const growing = steady.map((bytes, index) => bytes * (1 + index / 4));
  expect(broken(book, growing)).toEqual([
    '0 stored responses lost: 1 of 1 announced',
    '0 answers without an end: 1 of 3 (0 excused)',
    '0 wrong answers: 1 of 2',
    '0 orphans: 17 VLLM::Worker',
    'flat memory: 200 MiB, later 275 MiB',
  ]);
  expect(book.details).toEqual(['lost: resp_1', 'connection broken after 3 events', 'What is 1 + 1? -> 3']);
});
