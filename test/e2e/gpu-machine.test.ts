import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { replicasReady } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { GpuChorus } from '../support/gpu-chorus.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';

let gpuChorus: GpuChorus;
afterEach(() => gpuChorus.remove());

it('engines on a machine with eight H100 book their memory, and a stop frees it', { timeout: 90_000 }, async () => {
  gpuChorus = new GpuChorus(fakeLedger(fakeGpus(8, 'h100')));
  const running = await gpuChorus.serve(['--gpus', '2,3,6,GPU-00000007', '--tensor-parallel', '2']);
  const { engines } = await replicasReady(running, 2, 60_000);
  expect(engines.map(({ kind }) => kind)).toEqual(['gpu', 'gpu']);
  const share = Math.round((81_559 - 478) * 0.92);
  expect(gpuChorus.usedMiB()).toEqual([0, 0, share, share, 0, 0, share, share]);
  expect(await running.stop()).toBe(0);
  expect(gpuChorus.usedMiB()).toEqual(Array.from({ length: 8 }, () => 0));
});

it('a card that others fill between plan and start is told in words of vLLM', { timeout: 60_000 }, async () => {
  const gpus = fakeGpus(1, 'l4');
  gpuChorus = new GpuChorus(fakeLedger(gpus));
  const intruder = { pid: 21_180, uuid: gpus[0]?.uuid ?? '', bytes: 20e9, isForeign: true };
  // A ledger of its own for the engines: nvidia-smi, and so the plan, know nothing of the intruder.
  gpuChorus.machine.write('later.json', JSON.stringify(fakeLedger(gpus, { bookings: [intruder] })));
  const running = await gpuChorus.serve([], { ledgerFile: join(gpuChorus.machine.root, 'later.json') });
  await eventually('the reason', 30_000, () => running.output().includes('less than desired GPU memory') || null);
  await running.stop();
});
