import { afterEach, expect, it } from 'vitest';
import { groupMembers } from '../../src/system/process-group.ts';
import { replicasReady } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { GpuChorus } from '../support/gpu-chorus.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';

let gpuChorus: GpuChorus;
afterEach(() => gpuChorus.remove());

const SHARE_MIB = Math.round((81_559 - 478) * 0.92);

it('an API server killed with SIGKILL takes its EngineCore and worker along, and their memory, before the next start', async () => {
  gpuChorus = new GpuChorus(fakeLedger(fakeGpus(1, 'h100')));
  const chorus = await gpuChorus.serve(['--engine-arg=--sim-processes'], { policy: { memoryPollMs: 100 } });
  const [engine] = (await replicasReady(chorus, 1, 30_000)).engines;
  const leader = engine?.pid ?? expect.fail('no pid');
  expect(groupMembers(leader)).toHaveLength(3);
  expect(gpuChorus.usedMiB()).toEqual([SHARE_MIB]);
  process.kill(leader, 'SIGKILL');
  // What the worker holds would keep the next start from its share.
  const back = await eventually('the restart', 15_000, async () => {
    const [now] = (await chorus.status()).engines;
    return now?.phase === 'ready' && now.generation > 1 ? now : null;
  });
  expect(back).toMatchObject({ generation: 2, restarts: 1 });
  expect(groupMembers(leader)).toEqual([]);
  expect(gpuChorus.usedMiB()).toEqual([SHARE_MIB]);
  expect(await chorus.stop()).toBe(0);
  expect(groupMembers(back.pid ?? 0)).toEqual([]);
  expect(gpuChorus.usedMiB()).toEqual([0]);
}, 60_000);
