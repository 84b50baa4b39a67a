import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readServerRecord } from '../../src/system/state-directory.ts';
import { newStateDir, processesNaming } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));
/** A Node before 22.15. */
const WITHOUT_EXECVE = ['--import', 'data:text/javascript,process.execve=undefined'];

let stateDir: string;
beforeEach(() => {
  stateDir = newStateDir();
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

/** The command, the leader of a process group as in a terminal. */
function start(nodeFlags: readonly string[]) {
  const args = [...nodeFlags, CHORUS, 'serve', '--engine', 'simulated', '--port', '0', '--state-dir', stateDir];
  return execa(process.execPath, args, { detached: true, reject: false, timeout: 30_000, all: true });
}

const serverPid = (): Promise<number> => eventually('the start', 20_000, () => readServerRecord(stateDir)?.pid ?? null);

describe('the chorus command', () => {
  it('becomes the server', async () => {
    const command = start([]);
    expect(await serverPid()).toBe(command.pid);
    command.kill('SIGTERM');
    expect((await command).exitCode).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('passes %s on where it has to stay beside the server', async (signal) => {
    const command = start(WITHOUT_EXECVE);
    expect(await serverPid()).not.toBe(command.pid);
    command.kill(signal);
    expect((await command).exitCode).toBe(0);
    expect(processesNaming(stateDir)).toEqual([]);
  });

  it('takes a Ctrl-C for one although the terminal and the command both tell the server', async () => {
    const command = start(WITHOUT_EXECVE);
    await serverPid();
    process.kill(-(command.pid ?? expect.fail('no pid')), 'SIGINT');
    const { exitCode, all } = await command;
    expect(exitCode).toBe(0);
    expect(all).toContain('Stopping:');
    expect(all).not.toContain('Ending everything now.');
  });

  it('gives its exit code from beside the server', async () => {
    const { exitCode } = await execa(process.execPath, [...WITHOUT_EXECVE, CHORUS, 'nonsense'], { reject: false });
    expect(exitCode).toBe(64);
  });
});
