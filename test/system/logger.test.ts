import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
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
