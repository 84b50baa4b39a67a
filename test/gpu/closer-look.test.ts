import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../src/domain/units.ts';
import { detectInventory, type DetectOptions } from '../../src/gpu/detect-inventory.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { fakeGpus, fakeLedger, type FakeGpu } from '../support/gpu-machine/ledger.ts';

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => machine.remove());

const detect = (options: DetectOptions = {}) =>
  detectInventory({ root: machine.root, env: machine.env(), deadlineMs: 60_000, ...options });
const oneH100 = (more: Partial<FakeGpu> = {}): FakeGpu[] => fakeGpus(1, 'h100').map((gpu) => ({ ...gpu, ...more }));

describe('the health of a card', () => {
  it.for<[field: string, value: string, code: string]>([
    ['ecc.errors.uncorrected.volatile.total', '3', 'ecc_errors'],
    ['remapped_rows.failure', '1', 'memory_repair_failed'],
    ['remapped_rows.pending', 'Yes', 'memory_repair_pending'],
    ['retired_pages.pending', 'Yes', 'memory_repair_pending'],
    ['clocks_event_reasons.active', '0x0000000000000048', 'gpu_slowed_down'],
  ])('%s = %s is the warning %s', async ([field, value, code]) => {
    machine.installGpus(fakeLedger(oneH100({ fields: { [field]: value } })));
    const { findings } = await detect();
    expect(findings).toEqual([
      {
        code,
        severity: 'warning',
        message: expect.stringMatching(/^GPU 0 \(NVIDIA H100 80GB HBM3\) .*\.$/),
        remedy: expect.stringMatching(/\.$/),
      },
    ]);
  });

  it.for(['0x0000000000000001', '0x0000000000000004', '[N/A]', ''])('a healthy card may say "%s"', async (mask) => {
    machine.installGpus(fakeLedger(oneH100({ fields: { 'clocks_event_reasons.active': mask } })));
    expect((await detect()).findings).toEqual([]);
  });

  it('nothing is made of a word that no driver is known to say', async () => {
    const fields = { 'remapped_rows.failure': '???', 'retired_pages.pending': 'Unknown Error' };
    machine.installGpus(fakeLedger(oneH100({ fields })));
    expect((await detect()).findings).toEqual([]);
  });

  it('says what the driver wants done', async () => {
    machine.installGpus(fakeLedger(oneH100({ fields: { gpu_recovery_action: 'Reset' } })));
    expect((await detect()).gpus[0]?.recoveryAction).toBe('Reset');
  });

  it('is asked without the fields that an older driver does not know', async () => {
    const fields = { 'remapped_rows.failure': '1' };
    const misbehaviour = { unknownFields: ['gpu_recovery_action', 'clocks_event_reasons.active'] };
    machine.installGpus(fakeLedger(oneH100({ fields }), { misbehaviour }));
    const { gpus, findings } = await detect();
    expect([gpus.length, findings.map(({ code }) => code)]).toEqual([1, ['memory_repair_failed']]);
  });
});

it('the processes of others are named with what they hold', async () => {
  const [first, second] = fakeGpus(2, 'h100');
  const holds = (pid: number, bytes: number) => ({ pid, uuid: second?.uuid ?? '', bytes, isForeign: true });
  const bookings = [holds(21_180, 2296 * MiB), holds(21_198, 7484 * MiB)];
  machine.installGpus(fakeLedger(first && second ? [first, second] : [], { bookings }));
  const { gpus } = await detect();
  expect(gpus.map(({ usedBytes, processes }) => [usedBytes, processes])).toEqual([
    [0, undefined],
    [
      9780 * MiB,
      [
        { pid: 21_180, usedBytes: 2296 * MiB, name: 'VLLM::EngineCore' },
        { pid: 21_198, usedBytes: 7484 * MiB, name: 'VLLM::EngineCore' },
      ],
    ],
  ]);
});

const FIXTURES = new URL('../fixtures/nvidia-smi/', import.meta.url).pathname;
/** A real nvidia-smi's words for each question, from files. */
const answers = (files: {
  readonly list: string;
  readonly apps?: string;
  readonly slices?: string;
  readonly xml?: string;
}) =>
  Object.entries({ '*compute_cap*': files.list, '*compute-apps*': files.apps, '-L': files.slices, '-q': files.xml })
    .filter(([, file]) => file !== undefined)
    .map(
      ([question, file]) =>
        `case "$1" in ${question}) printf '%s' '${readFileSync(join(FIXTURES, file ?? ''), 'utf8')}' ;; esac`,
    )
    .join('\n');

describe('captured answers', () => {
  it.for(['h100-mig-list.txt', 'h200-mig-list.txt'])(
    'of a card with the slices of %s: no slice is taken',
    async (slices) => {
      machine.installNvidiaSmi(answers({ list: 'h100-mig.csv', slices, xml: 'a100-mig.xml' }));
      expect((await detect()).gpus.map(({ migSlice }) => migSlice)).toEqual([undefined]);
    },
  );

  it('of an XML report with one slice: its size, not that of the card', async () => {
    machine.write('one-slice.txt', 'GPU 0: A100 (UUID: GPU-1)\n  MIG 3g.20gb     Device  0: (UUID: MIG-1)\n');
    const slices = relative(FIXTURES, join(machine.root, 'one-slice.txt'));
    machine.installNvidiaSmi(answers({ list: 'h100-mig.csv', slices, xml: 'a100-mig.xml' }));
    expect((await detect()).gpus).toMatchObject([{ migSlice: '3g.20gb', totalBytes: 19_968 * MiB }]);
  });

  it('of an XML report without slices, in the form of a recent driver: no slice is taken', async () => {
    const files = { list: 'h100-mig.csv', slices: 'h100-mig-list.txt', xml: 'rtx-pro-6000-v13.xml' };
    machine.installNvidiaSmi(answers(files));
    expect((await detect()).gpus.map(({ migSlice }) => migSlice)).toEqual([undefined]);
    machine.write('one-slice.txt', 'GPU 0: A100 (UUID: GPU-1)\n  MIG 3g.20gb     Device  0: (UUID: MIG-1)\n');
    machine.installNvidiaSmi(answers({ ...files, slices: relative(FIXTURES, join(machine.root, 'one-slice.txt')) }));
    expect((await detect()).gpus.map(({ migSlice }) => migSlice)).toEqual([undefined]);
  });

  it('of Windows about processes, which hold an unknown amount there', async () => {
    machine.installNvidiaSmi(answers({ list: 'rtx-2080-super-610.csv', apps: 'wddm-apps.csv' }));
    expect((await detect()).gpus[0]?.processes).toEqual([
      { pid: 2140, usedBytes: null, name: String.raw`C:\Windows\System32\dwm.exe` },
    ]);
  });
});

describe('the driver', () => {
  it.for<[mode: string, expected: true | undefined]>([
    ['Disabled', true],
    ['Enabled', undefined],
    ['[N/A]', undefined],
  ])('in persistence mode %s', async ([mode, expected]) => {
    machine.installGpus(fakeLedger(oneH100({ fields: { persistence_mode: mode } })));
    expect((await detect()).gpus[0]?.isUnloadedWhenIdle).toBe(expected);
  });
});

describe('MIG', () => {
  const slice = (name: string, totalMiB: number) => ({ name, totalMiB, usedMiB: 19 });

  it('the only slice of the only card counts with its own size', async () => {
    machine.installGpus(fakeLedger(oneH100({ migSlices: [slice('3g.40gb', 40_448)] })));
    expect((await detect()).gpus).toMatchObject([
      { migEnabled: true, migSlice: '3g.40gb', totalBytes: 40_448 * MiB, freeBytes: 40_429 * MiB, usedBytes: 19 * MiB },
    ]);
  });

  it.for<[what: string, slices: ReturnType<typeof slice>[]]>([
    ['several slices', [slice('3g.40gb', 40_448), slice('2g.20gb', 20_096)]],
    ['a compute instance, which shares its memory', [slice('1c.3g.71gb', 72_000)]],
    ['no slice', []],
  ])('%s are no card to use', async ([, migSlices]) => {
    machine.installGpus(fakeLedger(oneH100({ migSlices })));
    const { gpus } = await detect();
    expect(gpus.map(({ migEnabled, migSlice, totalBytes }) => [migEnabled, migSlice, totalBytes])).toEqual([
      [true, undefined, 81_559 * MiB],
    ]);
  });

  it('a slice named in CUDA_VISIBLE_DEVICES is refused with the way that works', async () => {
    machine.installGpus(fakeLedger(oneH100({ migSlices: [slice('3g.40gb', 40_448)] })));
    const { gpus, findings } = await detect({ env: machine.env({ CUDA_VISIBLE_DEVICES: 'MIG-00000000' }) });
    expect(gpus).toEqual([]);
    expect(findings).toMatchObject([
      {
        code: 'hidden_by_environment',
        remedy: 'vLLM takes no MIG UUIDs: give a container the one slice, and leave the variable unset there.',
      },
    ]);
  });
});

describe('an nvidia-smi that hangs', () => {
  it('does not hold the event loop', async () => {
    machine.installGpus(fakeLedger(oneH100(), { misbehaviour: { hangs: true } }));
    await detect({ deadlineMs: 10 });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const { findings } = await detect({ deadlineMs: 700 });
    delay.disable();
    expect(findings.map(({ code }) => code)).toEqual(['nvidia_smi_hung']);
    expect(delay.max / 1e6).toBeLessThan(500);
  });

  it('is not started a second time while the first one lives', async () => {
    machine.installNvidiaSmi(`echo started >> '${machine.root}/starts'; exec /bin/sleep 60`);
    const starts = () => readFileSync(join(machine.root, 'starts'), 'utf8').trim().split('\n').length;
    const found = await Promise.all([detect({ deadlineMs: 300 }), detect({ deadlineMs: 60_000 })]);
    expect(found.map(({ findings }) => findings[0]?.code)).toEqual(['nvidia_smi_hung', 'nvidia_smi_hung']);
    expect(starts()).toBe(1);
    await expect.poll(() => detect({ deadlineMs: 100 }).then(starts), { timeout: 5000 }).toBe(2);
  });

  it('after it has listed the cards costs their health, not the cards', async () => {
    const row = '0, GPU-1, 00000000:01:00.0, NVIDIA L4, 590.48.01, 8.9, 23034, 0, 22584, [N/A], Disabled';
    machine.installNvidiaSmi(`case "$1" in *compute_cap*) echo '${row}' ;; *) exec /bin/sleep 60 ;; esac`);
    const { gpus, findings } = await detect({ deadlineMs: 1500 });
    expect([gpus.map(({ name }) => name), findings]).toEqual([['NVIDIA L4'], []]);
  });
});

it('a container under cgroup v1 has the memory of its limit', async () => {
  machine.write('proc/meminfo', 'MemTotal:       33554432 kB\nMemAvailable:   16777216 kB\n');
  const group = 'sys/fs/cgroup/memory/memory';
  machine.write(`${group}.limit_in_bytes`, `${8 * GiB}\n`);
  machine.write(`${group}.usage_in_bytes`, `${6 * GiB}\n`);
  machine.write(`${group}.stat`, `inactive_file 1\ntotal_inactive_file ${2 * GiB}\n`);
  const limited = await detect();
  machine.write(`${group}.limit_in_bytes`, '9223372036854771712\n');
  const unlimited = await detect();
  expect([limited.host, unlimited.host].map(({ totalBytes, availableBytes }) => [totalBytes, availableBytes])).toEqual([
    [8 * GiB, 4 * GiB],
    [32 * GiB, 16 * GiB],
  ]);
});
