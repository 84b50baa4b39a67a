import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { NO_LIMITS } from '../../src/domain/limits.ts';
import { newStateDir, replicasReady, startChorus } from '../support/chorus-process.ts';
import { postResponse } from '../support/responses-client.ts';
import { eventually } from '../support/eventually.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));

it('chorus serve goes on when the reader of its output leaves, as head does', async () => {
  const chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
  try {
    const { engines } = await replicasReady(chorus, 1, 30_000);
    for (const stream of [chorus.process.stdout, chorus.process.stderr]) {
      stream?.destroy();
      if (stream) await once(stream, 'close');
    }
    // The death of an engine is printed, into the void.
    process.kill(engines[0]?.pid ?? expect.fail('no engine'), 'SIGKILL');
    await eventually('the restart', 20_000, async () => {
      const [engine] = (await chorus.status()).engines;
      return engine?.generation === 2 && engine.phase === 'ready' ? true : null;
    });
    const { status, body } = await postResponse(chorus.url, { input: 'What is 7 + 8?' });
    expect([status, body.output_text]).toEqual([200, '7 + 8 = 15.']);
  } finally {
    expect(await chorus.stop()).toBe(0);
  }
});

it('a command ends only when all that it prints is read, however much that is', async () => {
  const stateDir = newStateDir();
  const key = (index: number) => ({
    id: `key_${String(index).padStart(16, '0')}`,
    name: `key-${index}`,
    project: 'default',
    hash: '0'.repeat(64),
    createdAtMs: 1_800_000_000_000,
    expiresAtMs: null,
    limits: NO_LIMITS,
  });
  const keys = Array.from({ length: 10_000 }, (_, index) => key(index));
  const book = { version: 1, requiresKey: true, keys, projects: {} };
  writeFileSync(join(stateDir, 'keys.json'), JSON.stringify(book), { mode: 0o600 });
  const { stdout } = await execa(process.execPath, [CHORUS, 'keys', 'list', '--state-dir', stateDir]);
  const lines = stdout.split('\n');
  expect([lines.length, lines.at(-1)]).toEqual([10_001, expect.stringMatching(/ key-9999 .* never +-$/)]);
  rmSync(stateDir, { recursive: true, force: true });
});

it('a command says when what it prints does not fit on the disk', async () => {
  const command = [process.execPath, CHORUS, 'config', 'show', '--config', '/dev/null'];
  const { exitCode, stderr } = await execa('sh', ['-c', '"$@" > /dev/full', 'sh', ...command], { reject: false });
  expect([exitCode, stderr]).toEqual([74, 'chorus: The output is not complete: the disk that it goes to is full.']);
});
