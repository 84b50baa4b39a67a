import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { missingPrograms } from '../support/programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATIENCE_MS = 60_000;

let folder: string | null = null;
let end = (): void => {};
afterEach(() => {
  end();
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
  folder = null;
});

/**
 * Chorus as a container has it: the clone at /opt, everything read-only but one volume, process 1 of its namespace, a
 * user id without a name, no privileges, no terminal, a key from a mounted secret. $0 is the volume, $1 the clone.
 */
const CONTAINER = `
set -eu
mount --bind "$1" /opt
mount -o remount,ro,bind /opt
mount -o remount,ro,bind /
mount -t tmpfs -o mode=0770,uid=0,gid=2000 tmpfs "$0"
(umask 0337; echo sk-of-the-team > "$0/secret"; chgrp 2000 "$0/secret")
mkdir -m 0770 "$0/state"; chgrp 2000 "$0/state"
cd /opt
exec unshare --pid --fork --kill-child --mount-proc \\
  setpriv --reuid 2000 --regid 2000 --clear-groups --bounding-set=-all --no-new-privs \\
  env -i PATH=/usr/bin:/bin USER=chorus HOME="$0" TMPDIR="$0" CHORUS_SERVER_API_KEY_FILE="$0/secret" \\
  /opt/node_modules/node/bin/node src/cli/main.ts serve --config configs/container.yaml \\
  --engine simulated --replicas 1 --port 0 --state-dir "$0/state"
`;

it(
  'serves with a read-only root, as process 1 and a user without a name, and ends in order',
  { timeout: 90_000 },
  async (test) => {
    if (process.getuid?.() !== 0) test.skip('needs root, which namespaces and mounts are for');
    const missing = missingPrograms(['unshare', '--version'], ['setpriv', '--version']);
    if (missing) test.skip(missing);
    folder = mkdtempSync(join(tmpdir(), 'chorus-container-'));
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', CONTAINER, folder, ROOT];
    const child = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    end = () => void child.kill('SIGKILL');
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
    const exited = once(child, 'exit');

    const url = await eventually('the listener', PATIENCE_MS, () => {
      if (child.exitCode !== null) throw new Error(`It ended:\n${printed}`);
      return /url +(\S+)\/v1 /.exec(printed)?.[1] ?? null;
    });
    await eventually('readiness', PATIENCE_MS, async () =>
      (await request(`${url}/readyz`)).statusCode === 200 ? true : null,
    );
    const ask = async (key: string): Promise<unknown[]> => {
      const { statusCode, body } = await request(`${url}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, input: 'What is 7 + 8?' }),
      });
      const { output_text: text } = (await body.json()) as { output_text?: string };
      return [statusCode, text];
    };
    expect([await ask('sk-of-the-team'), await ask('sk-another')]).toEqual([
      [200, '7 + 8 = 15.'],
      [401, undefined],
    ]);

    const [first = ''] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    process.kill(Number(first), 'SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(printed).not.toContain('not stored');
  },
);
