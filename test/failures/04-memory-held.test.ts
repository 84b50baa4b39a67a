import { afterEach, expect, it } from 'vitest';
import { GiB } from '../../src/domain/units.ts';
import { replicasReady } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { GpuChorus } from '../support/gpu-chorus.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';
import { postResponse } from '../support/responses-client.ts';

const POLICY = { memoryPollMs: 200, memoryDeadlineMs: 1000 };
const STRANGER = 21_180;

let gpuChorus: GpuChorus;
afterEach(() => gpuChorus.remove());

it('an engine does not start again before the memory of its card is free, and says meanwhile who holds it', async () => {
  gpuChorus = new GpuChorus(fakeLedger(fakeGpus(1, 'h100')));
  const chorus = await gpuChorus.serve([], { policy: POLICY });
  const [engine] = (await replicasReady(chorus, 1, 30_000)).engines;
  gpuChorus.occupy(STRANGER, 20 * GiB);
  process.kill(engine?.pid ?? expect.fail('no pid'), 'SIGKILL');
  const told = await eventually('the name of the holder', 30_000, async () => {
    const failure = (await chorus.status()).engines[0]?.lastFailure;
    return failure?.code === 'gpu_busy' ? failure.message : null;
  });
  expect(told).toBe("20.0 GiB of its card's memory are held by VLLM::EngineCore (pid 21180)");
  gpuChorus.vacate(STRANGER);
  const after = await replicasReady(chorus, 1, 30_000);
  // No start was wasted on a card that had no room.
  expect(after.engines[0]).toMatchObject({ generation: 2 });
  expect((await postResponse(chorus.url, { input: 'Say OK.' })).body.output_text).toBe('OK');
  expect(await chorus.stop()).toBe(0);
}, 90_000);
