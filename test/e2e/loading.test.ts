import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newStateDir, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { postStream, saidInChunks, type ChatChunk } from '../support/completions-client.ts';
import { eventually } from '../support/eventually.ts';
import { postResponse } from '../support/responses-client.ts';

const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));

let stateDir: string;
let chorus: RunningChorus;
beforeEach(() => {
  stateDir = newStateDir();
});
afterEach(async () => {
  if (chorus.process.exitCode === null) await chorus.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

async function serve(...flags: string[]): Promise<void> {
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '1', ...flags], stateDir);
}

const ask = () => postResponse(chorus.url, { input: 'Say OK.', temperature: 0 });

it('a request that waited in vain is told when to come back, at the second start from what the first took', async () => {
  const flags = ['--engine-arg=--sim-startup-ms', '--engine-arg=6000', '--loading-wait-seconds', '1'];
  await serve(...flags);
  const first = await ask();
  expect(first.status).toBe(503);
  expect(first.headers['retry-after']).toBe('10');
  expect(first.body).toMatchObject({
    error: {
      code: 'server_is_overloaded',
      message: expect.stringMatching(/^No replica became ready in time\. e0: starting/),
    },
  });
  await replicasReady(chorus, 1, 30_000);
  await chorus.stop();

  await serve(...flags);
  const second = await ask();
  expect(second.status).toBe(503);
  expect(Number(second.headers['retry-after'])).toBeGreaterThan(1);
  expect(Number(second.headers['retry-after'])).toBeLessThan(10);
  expect(second.body).toMatchObject({ error: { message: expect.stringMatching(/, \d+ %, about \d+ s left\.$/) } });
  const { stdout } = await execa(process.execPath, [CHORUS, 'status', '--state-dir', stateDir]);
  expect(stdout).toMatch(/e0 +gpt-oss-20b .* starting for .*, \d+ %, about \d+ s left/);
}, 60_000);

it('a request whose lone engine is gone waits for its restart', async () => {
  await serve();
  const { engines } = await replicasReady(chorus, 1, 30_000);
  process.kill(-(engines[0]?.pid ?? expect.fail('no pid')), 'SIGKILL');
  expect((await ask()).status).toBe(200);
  const after = await eventually('the restart', 5000, async () => (await chorus.status()).engines[0] ?? null);
  expect(after).toMatchObject({ phase: 'ready', generation: 2, restarts: 1 });
}, 60_000);

it('a chat stream that comes while the engine loads is open at once, kept open by comments, and answered', async () => {
  await serve('--engine-arg=--sim-startup-ms', '--engine-arg=12000');
  const messages = [{ role: 'user', content: 'Say OK.' }];
  const stream = await postStream<ChatChunk>(chorus.url, '/v1/chat/completions', { temperature: 0, messages });
  expect(stream.comments).toBeGreaterThan(0);
  expect(saidInChunks(stream).message.content).toBe('OK');
}, 60_000);
