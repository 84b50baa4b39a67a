import { afterEach, expect, it } from 'vitest';
import { replicasReady, startQuickChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { FaultFolder } from '../support/fault-folder.ts';
import { getJson, postResponse } from '../support/responses-client.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';

const POLICY = { restart: { ...DEFAULT_POLICY.restart, firstDelayMs: 50 } };

const faults = new FaultFolder();
let chorus: RunningChorus;
afterEach(async () => {
  faults.remove();
  await chorus.stop();
});

it('an engine whose starts all crash is given up after five, with the reason, while the other one serves', async () => {
  faults.set('e1', { failStart: '(EngineCore pid=1) RuntimeError: the moon is full' });
  chorus = await startQuickChorus(POLICY, ['--engine', 'simulated', '--replicas', '2', ...faults.flags]);
  await replicasReady(chorus, 1, 30_000);
  const failed = await eventually('the end of its budget', 20_000, async () => {
    expect((await postResponse(chorus.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
    return (await chorus.status()).engines.find(({ phase }) => phase === 'failed') ?? null;
  });
  expect(failed).toMatchObject({ engineId: 'e1', generation: 5, mayBecomeReady: false });
  expect(failed.sentence).toMatch(/^failed: given up after 5 failures in a row; the last: .*the moon is full/);
  expect((await getJson(`${chorus.url}/readyz`)).status).toBe(200);
}, 60_000);
