import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/system/logger.ts';

const CROWDED = fileURLToPath(new URL('../support/children/crowded-logger.ts', import.meta.url));

it('goes on when the disk is full, and says so once', () => {
  const warnings: string[] = [];
  const logger = createLogger('/dev/full', (line) => warnings.push(line));
  for (let n = 0; n < 3; n++) logger.info('one line');
  logger.fatal('one more');
  expect(warnings).toEqual([expect.stringMatching(/^The log \/dev\/full cannot be written, .*: ENOSPC/)]);
});

it('writes again once there is space, and tells how much was lost', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'chorus-log-')), 'chorus.log');
  const limited = `ulimit -f 20; exec "${process.execPath}" "${CROWDED}" "${file}"`;
  const { stdout } = await execa('sh', ['-c', limited], { timeout: 10_000 });
  expect(JSON.parse(stdout)).toEqual([
    `The log ${file} cannot be written, Chorus goes on without it: EFBIG: file too large, write`,
    `The log ${file} is written again; 2 lines are lost.`,
  ]);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ msg: 'the last line' });
});

it('refuses a file that cannot be opened', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chorus-log-'));
  expect(() => createLogger(directory, () => {})).toThrow(/cannot be opened: EISDIR/);
});

describe('the size of the file', () => {
  const linesOf = (file: string): unknown[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n: number }).n);

  it('begins again when it is reached, keeps one older part, and loses no line', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'chorus-log-')), 'chorus.log');
    const warnings: string[] = [];
    const logger = createLogger(file, (line) => warnings.push(line), { level: 'info', maxBytes: 200 });
    for (let n = 0; n < 5; n++) logger.info({ n }, 'x'.repeat(60));
    expect([linesOf(`${file}.old`), linesOf(file)]).toEqual([[2, 3], [4]]);
    expect(warnings).toEqual([]);
  });

  it('counts what an earlier process wrote', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'chorus-log-')), 'chorus.log');
    const write = (n: number): void =>
      createLogger(file, () => {}, { level: 'info', maxBytes: 100 }).info({ n }, 'x'.repeat(60));
    [1, 2].forEach(write);
    expect([linesOf(`${file}.old`), linesOf(file)]).toEqual([[1], [2]]);
  });

  it('goes on in the full file where a fresh one cannot be made', () => {
    const folder = mkdtempSync(join(tmpdir(), 'chorus-log-'));
    const file = join(folder, 'chorus.log');
    const warnings: string[] = [];
    const logger = createLogger(file, (line) => warnings.push(line), { level: 'info', maxBytes: 1 });
    mkdirSync(join(`${file}.old`, 'in the way'), { recursive: true });
    for (const n of [1, 2, 3]) logger.info({ n }, 'a line');
    expect(linesOf(file)).toEqual([1, 2, 3]);
    const told = expect.stringMatching(/cannot begin again and grows on: (EISDIR|ENOTEMPTY|EEXIST)/);
    expect(warnings).toEqual([told, told]);
  });
});

it('writes lines from its level on', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'chorus-log-')), 'chorus.log');
  const logger = createLogger(file, () => {}, { level: 'warn', maxBytes: 1e6 });
  logger.info('left out');
  logger.warn({ err: new Error('left out as well') }, 'kept');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    level: 40,
    time: expect.any(String),
    msg: 'kept',
    err: { type: 'Error', stack: expect.stringContaining('logger.test.ts') },
  });
});
