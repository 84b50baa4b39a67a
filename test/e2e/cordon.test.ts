import { request } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status.ts';
import { systemClock } from '../../src/system/clock.ts';
import { replicasReady } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { GpuChorus } from '../support/gpu-chorus.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';
import { getJson, postResponse } from '../support/responses-client.ts';

let gpuChorus: GpuChorus;
afterEach(() => gpuChorus.remove());

/** nvidia-smi is asked every ten seconds. */
const NOTICED_MS = 60_000;

it('a card that vanishes is left out, and used again when an operator says so', { timeout: 180_000 }, async () => {
  gpuChorus = new GpuChorus(fakeLedger(fakeGpus(2, 'l4')));
  const running = await gpuChorus.serve();
  await replicasReady(running, 2, 60_000);
  gpuChorus.machine.changeGpus({ misbehaviour: { vanished: [1] } });
  const without = await eventually('the plan without the card', NOTICED_MS, async () => {
    const report = await running.status();
    return report.cordoned.length === 1 && report.engines.length === 1 && report.roll === null ? report : null;
  });
  expect(without.cordoned).toMatchObject([{ index: 1, code: 'gpu_lost', action: 'cordon' }]);
  expect(without.engines).toMatchObject([{ engineId: 'e0', phase: 'ready', restarts: 0 }]);
  expect(without.plan.placements.map(({ gpus }) => gpus.map(({ index }) => index))).toEqual([[0]]);
  expect((await postResponse(running.url, { input: 'What is 7 + 8?' })).status).toBe(200);
  expect((await getJson(`${running.url}/v1/models/gpt-oss-20b`)).body).toMatchObject({
    state: 'ready',
    reason: expect.stringMatching(/^1 of 1 replicas in rotation\. GPU 1 is out of use: it .*\.$/),
  });
  const told = describeStatus(without, systemClock.nowMs());
  expect(told).toMatch(/Out of use:\n {2}\S+ \S+Z {2}GPU 1 \(NVIDIA L4\)/);
  expect(told).toContain('Then `chorus reload` takes it back into use.');

  gpuChorus.machine.changeGpus({ misbehaviour: {} });
  await request(`${running.url}/admin/reload`, { method: 'POST' }).then(({ body }) => body.dump());
  const again = await replicasReady(running, 2, 60_000);
  expect(again.cordoned).toEqual([]);
  expect(again.engines.map(({ gpus }) => gpus.map(({ index }) => index))).toEqual([[0], [1]]);
  expect(await running.stop()).toBe(0);
});

it(
  'a container that has lost its GPUs is to be started anew, once nothing serves any more',
  { timeout: 120_000 },
  async () => {
    gpuChorus = new GpuChorus(fakeLedger(fakeGpus(1, 'l4')));
    const running = await gpuChorus.serve();
    await replicasReady(running, 1, 60_000);
    gpuChorus.machine.changeGpus({ misbehaviour: { text: 'Failed to initialize NVML: Unknown Error', exitCode: 255 } });
    await eventually('the problem', NOTICED_MS, async () => (await running.status()).gpuWatch?.problem ?? null);
    expect((await running.status()).cordoned).toEqual([]);
    expect(await getJson(`${running.url}/livez`)).toMatchObject({ status: 200, body: { status: 'alive' } });
    expect((await postResponse(running.url, { input: 'What is 7 + 8?' })).status).toBe(200);
    await request(`${running.url}/admin/engines/e0/drain`, { method: 'POST' }).then(({ body }) => body.dump());
    const dead = await eventually('the end of the last engine', NOTICED_MS, async () => {
      const answer = await getJson(`${running.url}/livez`);
      return answer.status === 503 ? answer.body : null;
    });
    expect(dead).toEqual({
      status: 'not_alive',
      reason: expect.stringMatching(
        /^This container has lost access to its GPUs, .* Recreate the container\.$/,
      ) as string,
    });
    expect(await running.stop()).toBe(0);
  },
);
