import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import { replicasReady, startChorus, startQuickChorus, type RunningChorus } from '../support/chorus-process.ts';
import { FaultFolder } from '../support/fault-folder.ts';
import { postResponse, streamResponse } from '../support/responses-client.ts';
import { failoverSuite } from './failover-suite.ts';

const RESTART_TIMEOUT_MS = 30_000;

/** However often they end. */
const QUICK_RESTARTS = { restart: { ...DEFAULT_POLICY.restart, maxDelayMs: 50, firstDelayMs: 50 } };
const TOKEN_INTERVAL_MS = { slow: 60, fast: 8 };

describe('chorus serve with two simulated engines', () => {
  let chorus: RunningChorus;
  const faults = new FaultFolder();
  const setPace = (pace: 'slow' | 'fast'): void => {
    for (const id of ['engine-0', 'engine-1']) faults.set(id, { tokenIntervalMs: TOKEN_INTERVAL_MS[pace] });
  };
  beforeAll(async () => {
    setPace('fast');
    chorus = await startQuickChorus(QUICK_RESTARTS, ['--engine', 'simulated', '--replicas', '2', ...faults.flags]);
  });
  afterAll(async () => {
    await chorus.stop();
    faults.remove();
  });

  failoverSuite(() => chorus, { restartTimeoutMs: RESTART_TIMEOUT_MS, setPace });
});

describe('a request under which engines end', () => {
  /** More than short answers take, and less than a story. */
  const CRASH = ['--engine-arg=--sim-crash-after-tokens', '--engine-arg=120'];
  let chorus: RunningChorus;
  beforeAll(async () => {
    chorus = await startChorus(['--engine', 'simulated', '--replicas', '3', ...CRASH]);
    await replicasReady(chorus, 3, RESTART_TIMEOUT_MS);
  });
  afterAll(() => chorus.stop());

  it('ends two of them and no third, and is refused with its hash; the answers beside it are right', async () => {
    const poison = { input: 'Tell me a long story.' };
    const beside = Promise.all(
      Array.from({ length: 6 }, (_, n) => postResponse(chorus.url, { input: `What is ${n} + 4?` })),
    );
    const { response } = await streamResponse(chorus.url, poison);
    expect(response).toMatchObject({ status: 'failed', error: { code: 'invalid_prompt' } });
    const [hash = ''] = /[0-9a-f]{16}/.exec(response.error?.message ?? '') ?? [];
    expect((await beside).map(({ body }) => body.output_text)).toEqual(
      [4, 5, 6, 7, 8, 9].map((sum, n) => `${n} + 4 = ${sum}.`),
    );

    const again = await postResponse<object>(chorus.url, poison);
    expect(again).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_prompt', message: expect.stringContaining(hash) } },
    });
    expect((await postResponse(chorus.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
    expect(readFileSync(join(chorus.stateDir, 'chorus.log'), 'utf8')).toContain(`"suspectHash":"${hash}"`);
    const { engines } = await chorus.status();
    expect(engines.map(({ restarts }) => restarts).toSorted((a, b) => a - b)).toEqual([0, 1, 1]);
  });
});
