import { expect, it } from 'vitest';
import type { PendingWrite, WriteOutcome } from '../../src/store/messages.ts';
import { type CommitReport, StoreError } from '../../src/store/response-store.ts';
import { type QueuedWrite, WriteQueue } from '../../src/store/write-queue.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LIMITS = { groupDelayMs: 5, groupSize: 3, maxPendingBytes: 100 };

interface Commit {
  readonly writes: readonly PendingWrite[];
  readonly succeed: (outcomes: readonly WriteOutcome[]) => void;
  readonly fail: (error: StoreError) => void;
}

function startQueue(): { readonly queue: WriteQueue; readonly clock: FakeClock; readonly commits: Commit[] } {
  const clock = new FakeClock();
  const commits: Commit[] = [];
  const commit = (writes: readonly PendingWrite[]): Promise<readonly WriteOutcome[]> =>
    new Promise((succeed, fail) => commits.push({ writes, succeed, fail }));
  return { queue: new WriteQueue(commit, clock, LIMITS), clock, commits };
}

const change = (id: string, given: Partial<QueuedWrite> = {}): QueuedWrite => ({
  write: { kind: 'delete', project: 'default', id, nowMs: 0 },
  bytes: 10,
  touches: [id],
  ...given,
});
const outcome = (promise: Promise<number>): Promise<string | number> =>
  promise.catch((error: StoreError) => `${error.code}: ${error.message}`);
const idsOf = ({ writes }: Commit): string[] => writes.map((write) => (write.kind === 'delete' ? write.id : ''));

it('commits together what comes within the delay of the first', () => {
  const { queue, clock, commits } = startQueue();
  void queue.add(change('a'));
  clock.advance(4);
  void queue.add(change('b'));
  expect(commits).toEqual([]);
  clock.advance(1);
  void queue.add(change('c'));
  clock.advance(5);
  expect(commits.map(idsOf)).toEqual([['a', 'b'], ['c']]);
  expect(clock.pendingTimers).toBe(0);
});

it('does not wait when a group is full, and begins another', () => {
  const { queue, clock, commits } = startQueue();
  for (const id of ['a', 'b', 'c', 'd']) void queue.add(change(id));
  expect(commits.map(idsOf)).toEqual([['a', 'b', 'c']]);
  clock.advance(5);
  expect(commits.map(idsOf)).toEqual([['a', 'b', 'c'], ['d']]);
});

it('hands on a group before a read of what it changes, and only then', () => {
  const { queue, commits } = startQueue();
  void queue.add(change('a', { touches: ['a', 'item of a'] }));
  queue.flushIfTouched(['b', 'c']);
  expect(commits).toEqual([]);
  queue.flushIfTouched(['b', 'item of a']);
  expect(commits.map(idsOf)).toEqual([['a']]);
  void queue.add(change('b'));
  queue.flushIfTouched(['a']);
  expect(commits.length).toBe(1);
});

it('tells each change its own outcome', async () => {
  const { queue, clock, commits } = startQueue();
  const results = ['a', 'b'].map((id) => outcome(queue.add(change(id))));
  clock.advance(5);
  commits[0]!.succeed([{ removed: 2 }, { failure: { code: 'unknown_parent', message: 'gone' } }]);
  expect(await Promise.all(results)).toEqual([2, 'unknown_parent: gone']);
});

it('fails the changes of a group whose commit fails, and no others', async () => {
  const { queue, clock, commits } = startQueue();
  const results = ['a', 'b'].map((id) => outcome(queue.add(change(id))));
  clock.advance(5);
  const later = outcome(queue.add(change('c')));
  clock.advance(5);
  commits[0]!.fail(new StoreError('io_error', 'broken'));
  commits[1]!.succeed([{ removed: 0 }]);
  expect(await Promise.all([...results, later])).toEqual(['io_error: broken', 'io_error: broken', 0]);
});

it('refuses what would hold too much memory until something is committed, but never a deletion', async () => {
  const { queue, clock, commits } = startQueue();
  const first = queue.add(change('a', { bytes: 60 }));
  clock.advance(5);
  expect(await outcome(queue.add(change('b', { bytes: 41 })))).toBe(
    'overloaded: The disk does not keep up: 60 bytes wait for it.',
  );
  const fitting = queue.add(change('c', { bytes: 40 }));
  const deletion = queue.add(change('d', { bytes: 0 }));
  clock.advance(5);
  commits[0]!.succeed([{ removed: 0 }]);
  await first;
  const after = queue.add(change('e', { bytes: 60 }));
  clock.advance(5);
  expect(commits.map(idsOf)).toEqual([['a'], ['c', 'd'], ['e']]);
  for (const { writes, succeed } of commits) succeed(writes.map(() => ({ removed: 0 })));
  expect(await Promise.all([fitting, deletion, after])).toEqual([0, 0, 0]);
});

it('tells of every group whose end is known: how long it took and what became of each change', async () => {
  const { queue, clock, commits } = startQueue();
  const reports: CommitReport[] = [];
  queue.onCommit = (report) => reports.push(report);
  const ends = ['a', 'b'].map((id) => outcome(queue.add(change(id))));
  clock.advance(5);
  expect(queue.pendingWrites).toBe(2);
  clock.advance(30);
  commits[0]?.succeed([{ removed: 0 }, { failure: { code: 'unknown_parent', message: 'gone' } }]);
  await Promise.all(ends);
  expect(queue.pendingWrites).toBe(0);
  const broken = outcome(queue.add(change('c')));
  clock.advance(5);
  commits[1]?.fail(new StoreError('disk_full', 'full'));
  expect(await broken).toBe('disk_full: full');
  expect(reports).toEqual([
    { durationMs: 30, results: ['ok', 'unknown_parent'] },
    { durationMs: 0, results: ['disk_full'] },
  ]);
});
