import { expect, it } from 'vitest';
import { TurnQueue } from '../../src/client/turn-queue.ts';

it('runs one task at a time, in order, also behind one that failed', async () => {
  const queue = new TurnQueue();
  const said: string[] = [];
  const task =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      said.push(`${name} begins`);
      await Promise.resolve();
      said.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const turns = [queue.run(task('a'), null), queue.run(task('b', true), null), queue.run(task('c'), null)];
  expect(await Promise.allSettled(turns)).toEqual([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: new Error('b') },
    { status: 'fulfilled', value: 'c' },
  ]);
  expect(said).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

it('gives up a task that waits at once, never runs it, and keeps the order of the others', async () => {
  const queue = new TurnQueue();
  const first = Promise.withResolvers<string>();
  const stop = new AbortController();
  let ran = false;
  const running = queue.run(() => first.promise, null);
  const waiting = queue.run(async () => (ran = true), stop.signal);
  const last = queue.run(async () => 'last', null);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  first.resolve('first');
  expect([await running, await last, ran]).toEqual(['first', 'last', false]);
});

it('gives up a task that runs at once, and begins the next when it is over', async () => {
  const queue = new TurnQueue();
  const slow = Promise.withResolvers<string>();
  const stop = new AbortController();
  const running = queue.run(() => slow.promise, stop.signal);
  let began = false;
  const next = queue.run(async () => (began = true), null);
  await Promise.resolve();
  stop.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(began).toBe(false);
  slow.resolve('late');
  expect(await next).toBe(true);
});

it('does not begin a task whose signal has aborted before', async () => {
  const queue = new TurnQueue();
  let ran = false;
  const gone = queue.run(async () => (ran = true), AbortSignal.abort(new Error('gone')));
  await expect(gone).rejects.toThrow('gone');
  expect([await queue.run(async () => 'next', null), ran]).toEqual(['next', false]);
});
