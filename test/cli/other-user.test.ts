import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SETTINGS = fileURLToPath(new URL('../../configs/minimal.yaml', import.meta.url));
/** No mode keeps root out, so that there the command runs as somebody else. */
const AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--no-new-privs'];
const COMMAND = [...(process.getuid?.() === 0 ? AS_NOBODY : []), process.execPath, MAIN];

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'chorus-other-user-'));
});
afterEach(() => {
  chmodSync(stateDir, 0o700);
  rmSync(stateDir, { recursive: true, force: true });
});

async function ends(words: string): Promise<[exitCode: number | undefined, printed: string]> {
  const [program, ...args] = [...COMMAND, ...words.split(' '), '--state-dir', stateDir];
  const environment = { HOME: tmpdir(), PATH: process.env['PATH'] };
  const options = {
    cwd: tmpdir(),
    env: environment,
    extendEnv: false,
    reject: false,
    all: true,
    timeout: 20_000,
  } as const;
  const { exitCode, all } = await execa(program, args, options);
  return [exitCode, all];
}

/** Needs setpriv, and a clone that others than root can read. */
function isRunnable(): boolean {
  const [program, ...args] = [...COMMAND, '--version'];
  return spawnSync(program, args, { cwd: tmpdir(), stdio: 'ignore' }).status === 0;
}

describe.runIf(isRunnable())('who may not read the state directory', () => {
  const remedy = String.raw`Run this as the user of the server, or as root \(sudo\)\.$`;

  it.each(['status', 'logs', 'keys list', 'usage', 'reload'])(
    'is told so by `chorus %s`, with what to do, and by its exit code',
    { timeout: 30_000 },
    async (words) => {
      chmodSync(stateDir, 0o000);
      const sentence = new RegExp(
        `^chorus: The (state directory|folder) ${stateDir}.* cannot be read: EACCES.* ${remedy}`,
      );
      expect(await ends(words)).toEqual([77, expect.stringMatching(sentence)]);
    },
  );

  it('is told the name of a log that alone is not for everybody', { timeout: 30_000 }, async () => {
    mkdirSync(join(stateDir, 'logs'));
    writeFileSync(join(stateDir, 'chorus.log'), '{}\n', { mode: 0o000 });
    chmodSync(stateDir, 0o755);
    const sentence = new RegExp(`^chorus: The log ${stateDir}/chorus.log cannot be read: EACCES.* ${remedy}`);
    expect(await ends('logs')).toEqual([77, expect.stringMatching(sentence)]);
  });

  it('is told everything else by the doctor, also whether the port is free', { timeout: 30_000 }, async () => {
    chmodSync(stateDir, 0o000);
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const ended = await ends(`doctor --config ${SETTINGS} --engine simulated --port ${port}`);
    server.close();
    expect(ended).toEqual([69, expect.stringMatching(new RegExp(`fail +port +\\S+:${port} is taken`))]);
    expect(ended[1]).toMatch(new RegExp(`fail +state_directory .*${stateDir}`));
  });
});
