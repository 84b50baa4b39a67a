import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { engineLog, logSources, nextEngineLog } from '../../src/logs/log-files.ts';
import { readLogs, type ReadLogs } from '../../src/logs/read-logs.ts';
import { systemClock } from '../../src/system/clock.ts';

let stateDir = '';
let stop = new AbortController();

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-logs-'));
  mkdirSync(join(stateDir, 'logs'));
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
  rmSync(stateDir, { recursive: true, force: true });
});

const logOf = (engineId: string, start: number): string => join(stateDir, 'logs', `${engineId}.${start}.log`);

const read = (wish: Partial<ReadLogs>) =>
  readLogs({
    sources: () => [engineLog(stateDir, 'e0')],
    count: 100,
    follow: false,
    clock: systemClock,
    signal: stop.signal,
    ...wish,
  });

async function all(wish: Partial<ReadLogs>): Promise<string[]> {
  const lines: string[] = [];
  for await (const { source, text } of read(wish)) lines.push(`${source}: ${text}`);
  return lines;
}

/** The next `count` lines of a log that is followed. */
async function take(lines: ReturnType<typeof read>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) taken.push((await lines.next()).value?.text ?? expect.fail('it ended'));
  return taken;
}

it('gives the last lines over starts and over the older part of a file, and half a line at the end', async () => {
  writeFileSync(logOf('e0', 9), 'one\ntwo\n');
  writeFileSync(`${logOf('e0', 10)}.old`, 'three\nfour\n');
  writeFileSync(logOf('e0', 10), 'five\nsi');
  expect(await all({})).toEqual(['one', 'two', 'three', 'four', 'five', 'si'].map((text) => `e0: ${text}`));
  expect(await all({ count: 4 })).toEqual(['e0: three', 'e0: four', 'e0: five', 'e0: si']);
  expect(await all({ count: 0 })).toEqual([]);
});

it('finds the last lines of a large file without its beginning', async () => {
  writeFileSync(logOf('e0', 1), `${'x'.repeat(99)}\n`.repeat(50_000) + 'last\n');
  expect(await all({ count: 2 })).toEqual([`e0: ${'x'.repeat(99)}`, 'e0: last']);
});

it('numbers the files of an engine from start to start, and keeps the five newest', () => {
  for (let start = 1; start <= 11; start++) {
    const file = nextEngineLog(stateDir, 'e1');
    writeFileSync(file, '');
    if (start < 3) writeFileSync(`${file}.old`, '');
  }
  writeFileSync(nextEngineLog(stateDir, 'e10'), '');
  const kept = ['e1.10.log', 'e1.11.log', 'e1.7.log', 'e1.8.log', 'e1.9.log', 'e10.1.log'];
  expect(readdirSync(join(stateDir, 'logs')).toSorted()).toEqual(kept.toSorted());
});

it('names the logs that there are: its own first, engines in order', () => {
  for (const [engineId, start] of [
    ['e10', 1],
    ['e2', 7],
    ['e2', 8],
  ] as const)
    writeFileSync(logOf(engineId, start), '');
  expect(logSources(stateDir).map(({ name }) => name)).toEqual(['chorus', 'e2', 'e10']);
});

it('follows a log into the next start of its engine, and loses nothing', async () => {
  writeFileSync(logOf('e0', 1), 'old\n');
  const lines = read({ count: 1, follow: true });
  expect(await take(lines, 1)).toEqual(['old']);
  appendFileSync(logOf('e0', 1), 'before\nthe end');
  writeFileSync(logOf('e0', 2), 'after\n');
  expect(await take(lines, 3)).toEqual(['before', 'the end', 'after']);
});

it('follows a log that begins again, whether it was copied and emptied or renamed', async () => {
  const file = logOf('e0', 1);
  writeFileSync(file, 'first\n');
  const lines = read({ count: 1, follow: true });
  expect(await take(lines, 1)).toEqual(['first']);
  appendFileSync(file, 'unread\n');
  copyFileSync(file, `${file}.old`);
  truncateSync(file);
  appendFileSync(file, 'a\n');
  expect(await take(lines, 2)).toEqual(['unread', 'a']);
  appendFileSync(file, 'unread too\n');
  renameSync(file, `${file}.old`);
  writeFileSync(file, 'a line that is longer than all before\n');
  expect(await take(lines, 2)).toEqual(['unread too', 'a line that is longer than all before']);
});

it('follows an engine that is added later, and ends when it is told to', async () => {
  const lines = read({ sources: () => logSources(stateDir).slice(1), follow: true });
  const first = lines.next();
  writeFileSync(logOf('e4', 1), 'here\n');
  expect((await first).value).toEqual({ source: 'e4', text: 'here' });
  const second = lines.next();
  stop.abort();
  expect((await second).done).toBe(true);
});

it('gives hundreds of thousands of lines where somebody asks for all, over several files', async () => {
  writeFileSync(logOf('e0', 1), 'a line\n'.repeat(200_000));
  writeFileSync(logOf('e0', 2), 'another\n'.repeat(200_000));
  const lines = await all({ count: 300_000 });
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([300_000, 'e0: a line', 'e0: another']);
});
