import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../src/domain/gpu.ts';
import { detectInventory } from '../../src/gpu/detect-inventory.ts';
import { GpuWatch } from '../../src/gpu/gpu-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { fakeGpus, fakeLedger, type FakeMachineLedger } from '../support/gpu-machine/ledger.ts';

/** Other programs may take the processor meanwhile. */
const WITHIN = { timeout: 15_000 };

let machine: FakeMachine;
let clock: FakeClock;
let watch: GpuWatch;
let told: string[];
beforeEach(() => {
  machine = new FakeMachine();
  clock = new FakeClock();
  told = [];
});
afterEach(() => {
  watch.close();
  machine.remove();
});

const kernelLog = () => join(machine.root, 'kmsg');

/** Watches two H100, after the first look. */
async function watchTwo(more: Partial<FakeMachineLedger> = {}): Promise<void> {
  machine.installGpus(fakeLedger(fakeGpus(2, 'h100'), more));
  writeFileSync(kernelLog(), '');
  const { gpus } = await detectInventory({ root: machine.root, env: machine.env(), deadlineMs: 60_000 });
  start(gpus);
  await watch.look();
  await expect.poll(() => watch.status.kernelLog, WITHIN).toEqual({ kind: 'followed' });
}

function start(gpus: readonly Gpu[]): void {
  watch = new GpuWatch({
    clock,
    env: machine.env(),
    root: machine.root,
    deadlineMs: 10_000,
    gpus,
    kernelLogFile: kernelLog(),
    onFault: ({ action, index, code }) => told.push(`${action} ${index} ${code}`),
    onRecovery: ({ index, code }) => told.push(`recovered ${index} ${code}`),
  });
  watch.start();
}

/** Time goes on, and the look that is due then has its answer. */
async function nextLook(waitMs = 10_000): Promise<void> {
  clock.advance(waitMs);
  await expect.poll(() => watch.status.ageMs, WITHIN).toBe(0);
}

describe('a watch over GPUs', { timeout: 120_000 }, () => {
  it('tells a card that nvidia-smi no longer lists, after a second look, and its return', async () => {
    await watchTwo();
    machine.changeGpus({ misbehaviour: { vanished: [1] } });
    await nextLook();
    expect(told).toEqual([]);
    await nextLook(5000);
    expect(told).toEqual(['cordon 1 gpu_lost']);
    expect(watch.status.cordoned.map(({ sentence }) => sentence)).toEqual([
      'GPU 1 (NVIDIA H100 80GB HBM3) is no longer listed by nvidia-smi.',
    ]);
    machine.changeGpus({ misbehaviour: {} });
    await nextLook();
    expect([told.at(-1), watch.status.cordoned]).toEqual(['recovered 1 gpu_lost', []]);
  });

  it('tells the last card that is lost, of which nvidia-smi says that there is none', async () => {
    await watchTwo();
    machine.changeGpus({ misbehaviour: { vanished: [0, 1] } });
    await nextLook();
    await nextLook(5000);
    expect(told).toEqual(['cordon 0 gpu_lost', 'cordon 1 gpu_lost']);
  });

  it('tells a card that the driver names as lost, and nothing of the others that it could not list', async () => {
    await watchTwo();
    const text = 'Unable to determine the device handle for GPU0000:2B:00.0: Unknown Error';
    machine.changeGpus({ misbehaviour: { text, exitCode: 15 } });
    clock.advance(10_000);
    await expect.poll(() => told, WITHIN).toEqual(['cordon 1 gpu_lost']);
    expect(watch.status.problem?.code).toBe('gpu_lost');
  });

  it('tells a card that the driver wants reset', async () => {
    await watchTwo();
    machine.changeGpus({
      gpus: fakeGpus(2, 'h100').map((gpu) => ({ ...gpu, fields: { gpu_recovery_action: 'Reset' } })),
    });
    await nextLook();
    expect(told).toEqual(['cordon 0 needs_recovery', 'cordon 1 needs_recovery']);
  });

  it('takes no card for lost where nvidia-smi fails or prints what is no row', async () => {
    await watchTwo();
    for (const misbehaviour of [
      { text: 'Failed to initialize NVML: Driver/library version mismatch', exitCode: 18 },
      { vanished: [1], garbageRow: 'what?' },
      { vanished: [1], garbageRow: '[Unknown Error], None, 0, No, No, No, 0x0, Enabled' },
      { text: 'Query unsuccessful', exitCode: 6 },
      { text: '', exitCode: 0 },
    ]) {
      machine.changeGpus({ misbehaviour });
      for (const _ of [1, 2, 3]) {
        clock.advance(10_000);
        await watch.look();
      }
    }
    expect(told).toEqual([]);
  });

  it('asks an older driver without the fields that it does not know, and remembers which', async () => {
    await watchTwo();
    machine.installNvidiaSmi(
      `echo call >> '${machine.root}/calls'; case "$1" in *gpu_recovery_action*) ` +
        `echo 'Field "gpu_recovery_action" is not a valid field to query.'; exit 2 ;; ` +
        `*) echo 'GPU-00000000-fake, 0, 0, 0, No, 0x0, Enabled'; echo 'GPU-00000001-fake, 0, 0, 0, No, 0x0, Enabled' ;; esac`,
    );
    const calls = () => readFileSync(join(machine.root, 'calls'), 'utf8').trim().split('\n').length;
    await nextLook();
    expect([watch.status.problem, calls()]).toEqual([null, 2]);
    await nextLook();
    expect([watch.status.problem, calls()]).toEqual([null, 3]);
  });

  it('hears of a fault from the kernel log at once, and of the same one only once', async () => {
    await watchTwo();
    const line = 'NVRM: Xid (PCI:0000:2b:00): 79, GPU has fallen off the bus\n';
    appendFileSync(kernelLog(), line + line);
    await expect.poll(() => (clock.advance(1000), told), WITHIN).toEqual(['cordon 1 xid_79']);
    appendFileSync(kernelLog(), 'NVRM: Xid (PCI:0000:19:00): 31, pid=1\nNVRM: Xid (PCI:0000:19:00): 31, pid=1\n');
    await expect.poll(() => (clock.advance(100), told), WITHIN).toEqual(['cordon 1 xid_79', 'restart 0 xid_31']);
  });

  it('looks at once when the kernel log says that a recovery action has changed', async () => {
    await watchTwo();
    machine.changeGpus({
      gpus: fakeGpus(2, 'h100').map((gpu) => ({ ...gpu, fields: { gpu_recovery_action: 'Reboot' } })),
    });
    appendFileSync(kernelLog(), 'NVRM: Xid (PCI:0000:19:00): 154, GPU recovery action changed\n');
    await expect.poll(() => clock.pendingTimers, WITHIN).toBe(2);
    clock.advance(1000);
    await expect.poll(() => told, WITHIN).toEqual(['cordon 0 needs_recovery', 'cordon 1 needs_recovery']);
  });

  it('takes a card as well that somebody wants used again, until something is seen anew', async () => {
    await watchTwo();
    appendFileSync(kernelLog(), 'NVRM: Xid (PCI:0000:19:00): 119, Timeout waiting for RPC\n');
    await expect.poll(() => (clock.advance(100), told), WITHIN).toEqual(['cordon 0 xid_119']);
    watch.forgive(watch.status.cordoned[0]?.uuid ?? '');
    expect(watch.status.cordoned).toEqual([]);
    machine.changeGpus({
      gpus: fakeGpus(2, 'h100').map((gpu) => ({ ...gpu, fields: { gpu_recovery_action: 'Reset' } })),
    });
    await nextLook();
    expect(told).toEqual(['cordon 0 xid_119', 'cordon 0 needs_recovery', 'cordon 1 needs_recovery']);
  });

  it('without a readable kernel log sees what nvidia-smi shows, and says so', async () => {
    machine.installGpus(fakeLedger(fakeGpus(1, 'h100')));
    start((await detectInventory({ root: machine.root, env: machine.env(), deadlineMs: 60_000 })).gpus);
    await watch.look();
    await expect
      .poll(() => watch.status.kernelLog, WITHIN)
      .toEqual({ kind: 'unreadable', reason: expect.stringContaining('ENOENT') });
    expect(watch.status).toMatchObject({ ageMs: 0, isStale: false, problem: null, cordoned: [] });
  });

  it('without cards does nothing, nor with one that was broken before', async () => {
    machine.installGpus(
      fakeLedger(fakeGpus(1, 'h100').map((gpu) => ({ ...gpu, fields: { gpu_recovery_action: 'Reset' } }))),
    );
    start((await detectInventory({ root: machine.root, env: machine.env(), deadlineMs: 60_000 })).gpus);
    expect([clock.pendingTimers, watch.status.kernelLog]).toEqual([0, { kind: 'opening' }]);
  });
});

describe('an nvidia-smi that hangs', () => {
  it('makes what is known stale, with its age, and is not asked a second time beside', async () => {
    await watchTwo();
    machine.installNvidiaSmi(`echo started >> '${machine.root}/starts'; exec /bin/sleep 60`);
    machine.write('starts', '');
    const look = watch.look();
    await expect.poll(() => clock.pendingTimers, WITHIN).toBe(2);
    clock.advance(10_000);
    await look;
    expect(watch.status).toMatchObject({ ageMs: 10_000, isStale: false, problem: { code: 'nvidia_smi_hung' } });
    clock.advance(21_000);
    expect(watch.status).toMatchObject({ ageMs: 31_000, isStale: true, cordoned: [] });
    expect(told).toEqual([]);
  });
});
