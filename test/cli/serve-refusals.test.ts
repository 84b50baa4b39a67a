import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processStartTicks } from '../../src/system/process-group.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-refused-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

/** Exit code and the last line on standard error of a start that must be refused; ended after 15 s. */
async function refused(directory: string): Promise<[exitCode: number | undefined, sentence: string | undefined]> {
  const args = [CHORUS, 'serve', '--engine', 'simulated', '--port', '0', '--state-dir', directory];
  const { exitCode, stderr } = await execa(process.execPath, args, { reject: false, timeout: 15_000 });
  return [exitCode, stderr.split('\n').at(-1)];
}

describe('chorus serve refuses in one sentence', () => {
  it.each(['/proc/xyz', '/proc/self/a/b'])('the state directory %s, which nobody can make', async (directory) => {
    expect(await refused(directory)).toEqual([
      73,
      expect.stringMatching(/^chorus: The state directory \/proc\/.* cannot be used: .*--state-dir\.$/),
    ]);
  });

  it('a state directory in which nothing can be written', async () => {
    const link = join(stateDir, 'link');
    symlinkSync('/proc/self', link);
    expect(await refused(link)).toEqual([73, expect.stringMatching(/^chorus: The state directory .*\/link cannot be/)]);
  });

  it('a key with a blank in it', async () => {
    writeFileSync(join(stateDir, 'api-key'), 'sk-test key\n');
    expect(await refused(stateDir)).toEqual([78, expect.stringMatching(/^chorus: .*api-key holds a key that no/)]);
  });

  it('a state directory that another server uses, whose announcement stays', async () => {
    const record = {
      pid: process.pid,
      startTicks: processStartTicks(process.pid),
      url: 'http://[::1]:1',
      keyFile: null,
    };
    const file = join(stateDir, 'server.json');
    writeFileSync(file, JSON.stringify(record));
    // The store would refuse too; here it cannot even be opened.
    writeFileSync(join(stateDir, 'store'), 'not a folder');
    expect(await refused(stateDir)).toEqual([69, expect.stringContaining(`Another Chorus (pid ${process.pid}, `)]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(record);
  });
});
