import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MiB } from '../../src/domain/units.ts';
import { detectInventory, type DetectOptions } from '../../src/gpu/detect-inventory.ts';
import { chooseEngine } from '../../src/planner/choose-engine.ts';
import { planPlacement } from '../../src/planner/plan-placement.ts';
import { AUTO } from '../planner/machines.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => machine.remove());

const detect = (options: DetectOptions = {}) => detectInventory({ root: machine.root, env: machine.env(), ...options });

describe('something of NVIDIA is visible', () => {
  const nothing: [string, (on: FakeMachine) => Record<string, string>][] = [
    ['on a bare machine', () => ({})],
    ['with a device of another vendor', (on) => (on.write('sys/bus/pci/devices/0000:00:02.0/vendor', '0x8086\n'), {})],
    ['with NVIDIA_VISIBLE_DEVICES=void', () => ({ NVIDIA_VISIBLE_DEVICES: 'void' })],
    ['with NVIDIA_VISIBLE_DEVICES=none', () => ({ NVIDIA_VISIBLE_DEVICES: 'none' })],
    ['with an empty NVIDIA_VISIBLE_DEVICES', () => ({ NVIDIA_VISIBLE_DEVICES: '' })],
  ];
  it.for(nothing)('not %s', async ([, prepare]) => {
    expect((await detect({ env: machine.env(prepare(machine)) })).nvidiaVisible).toBe(false);
  });

  const something: [string, (on: FakeMachine) => Record<string, string>][] = [
    ['/dev/nvidiactl', (on) => (on.write('dev/nvidiactl', ''), {})],
    ['the PCI device 0000:17:00.0', (on) => (on.write('sys/bus/pci/devices/0000:17:00.0/vendor', '0x10de\n'), {})],
    ['NVIDIA_VISIBLE_DEVICES=all', () => ({ NVIDIA_VISIBLE_DEVICES: 'all' })],
    ['a Kubernetes pod', () => ({ KUBERNETES_SERVICE_HOST: '10.0.0.1' })],
  ];
  it.for(something)('as %s, which a finding names', async ([evidence, prepare]) => {
    const { nvidiaVisible, findings } = await detect({ env: machine.env(prepare(machine)) });
    expect(nvidiaVisible).toBe(true);
    expect(findings.at(-1)).toEqual({
      code: 'nvidia_visible',
      severity: 'warning',
      message: `No GPU is listed, but something of NVIDIA is visible: ${evidence}.`,
      remedy: 'Make `nvidia-smi` list the card (in Kubernetes: request nvidia.com/gpu).',
    });
  });
});

const TWO_CARDS = readFileSync(new URL('../fixtures/nvidia-smi/two-cards.csv', import.meta.url), 'utf8');

describe('CUDA_VISIBLE_DEVICES', () => {
  const cases: [value: string, indices: number[], codes: string[]][] = [
    ['0,1', [0, 1], ['device_order_ambiguous']],
    ['1', [1], ['hidden_by_environment', 'device_order_ambiguous']],
    ['GPU-bbbb', [1], ['hidden_by_environment']],
    ['0,7,1', [0], ['hidden_by_environment', 'device_order_ambiguous']],
    ['-1', [], ['hidden_by_environment']],
    ['', [], ['hidden_by_environment']],
  ];
  it.for(cases)('"%s" leaves the cards %j', async ([value, indices, codes]) => {
    machine.installNvidiaSmi(`printf '%s' '${TWO_CARDS}'`);
    const { gpus, findings, nvidiaVisible } = await detect({ env: machine.env({ CUDA_VISIBLE_DEVICES: value }) });
    expect({
      indices: gpus.map(({ index }) => index),
      codes: findings.map(({ code }) => code),
      nvidiaVisible,
    }).toEqual({ indices, codes, nvidiaVisible: true });
  });

  it('that hides every card is why nothing runs, where the person looks', async () => {
    machine.installNvidiaSmi(`printf '%s' '${TWO_CARDS}'`);
    const inventory = await detect({ env: machine.env({ CUDA_VISIBLE_DEVICES: '-1' }) });
    expect(planPlacement(inventory, AUTO).summary).toBe(
      'Nothing to run on: CUDA_VISIBLE_DEVICES=-1 hides 2 of 2 GPUs.',
    );
    expect(chooseEngine('gpu', inventory, { isPublicBind: false }).reasons).toEqual([
      'CUDA_VISIBLE_DEVICES=-1 hides 2 of 2 GPUs. Unset it to use them all.',
    ]);
  });

  it('is unambiguous in PCI order', async () => {
    machine.installNvidiaSmi(`printf '%s' '${TWO_CARDS}'`);
    const env = machine.env({ CUDA_VISIBLE_DEVICES: '0,1', CUDA_DEVICE_ORDER: 'PCI_BUS_ID' });
    expect((await detect({ env })).findings).toEqual([]);
  });
});

describe('the host', () => {
  const memInfo = 'MemTotal:       33554432 kB\nMemFree:         1000000 kB\nMemAvailable:   16777216 kB\n';

  it('has the memory that new processes can take, not the free one', async () => {
    machine.write('proc/meminfo', memInfo);
    const { host } = await detect();
    expect([host.totalBytes, host.availableBytes]).toEqual([32 * 1024 * MiB, 16 * 1024 * MiB]);
  });

  it('has no more memory than its container, whose cached files count as available', async () => {
    machine.write('proc/meminfo', memInfo);
    machine.write('sys/fs/cgroup/memory.max', `${8 * 1024 * MiB}\n`);
    machine.write('sys/fs/cgroup/memory.current', `${6 * 1024 * MiB}\n`);
    machine.write('sys/fs/cgroup/memory.stat', `anon 1\ninactive_file ${2 * 1024 * MiB}\nactive_file 7\n`);
    const { host } = await detect();
    expect([host.totalBytes, host.availableBytes]).toEqual([8 * 1024 * MiB, 4 * 1024 * MiB]);
  });

  it('has no limit where the container has none', async () => {
    machine.write('proc/meminfo', memInfo);
    machine.write('sys/fs/cgroup/memory.max', 'max\n');
    expect((await detect()).host.totalBytes).toBe(32 * 1024 * MiB);
  });

  it.for<[string, boolean]>([
    ['flags\t\t: fpu avx512f amx_bf16 avx512_fp16 amx_tile amx_int8', true],
    ['flags\t\t: fpu avx512f avx512_bf16', false],
    ['', false],
  ])('has AMX if the kernel lists its tiles: "%s"', async ([cpuInfo, hasAmx]) => {
    machine.write('proc/cpuinfo', `processor\t: 0\n${cpuInfo}\n`);
    expect((await detect()).host.hasAmx).toBe(hasAmx);
  });

  it('has a name and at least one CPU', async () => {
    const { host } = await detect();
    expect([host.cpuModel, host.cpuCount]).toEqual([expect.stringMatching(/\S/), expect.any(Number)]);
    expect(host.cpuCount).toBeGreaterThan(0);
  });
});

describe('a second opinion from the PCI bus', () => {
  const plug = (address: string, kind: string, vendor = '0x10de'): void => {
    machine.write(`sys/bus/pci/devices/${address}/vendor`, `${vendor}\n`);
    machine.write(`sys/bus/pci/devices/${address}/class`, `${kind}\n`);
  };
  beforeEach(() => {
    machine.installNvidiaSmi(`printf '%s' '${TWO_CARDS}'`);
    plug('0000:01:00.0', '0x030000');
    plug('0000:01:00.1', '0x040300');
    plug('0000:02:00.0', '0x030200');
    plug('0000:00:02.0', '0x030000', '0x8086');
  });

  it('agrees where nvidia-smi lists every card', async () => {
    expect((await detect()).findings).toEqual([]);
  });

  it('warns of a card that nvidia-smi does not list', async () => {
    plug('0000:0b:00.0', '0x030200');
    expect((await detect()).findings).toEqual([
      {
        code: 'card_not_listed',
        severity: 'warning',
        message: 'The PCI bus has 1 NVIDIA card that nvidia-smi does not list: 0000:0b:00.0.',
        remedy: 'Look for NVRM lines of that address in `dmesg`: the card may be lost, or bound to another driver.',
      },
    ]);
  });

  it('is not heard in a container, whose bus is that of the host', async () => {
    plug('0000:0b:00.0', '0x030200');
    machine.write('.dockerenv', '');
    expect((await detect()).findings).toEqual([]);
  });
});

it('cards that are listed count, though NVIDIA_VISIBLE_DEVICES says void, as with CDI', async () => {
  machine.installNvidiaSmi(`printf '%s' '${TWO_CARDS}'`);
  const env = machine.env({ NVIDIA_VISIBLE_DEVICES: 'void' });
  expect((await detect({ env })).gpus.map(({ index }) => index)).toEqual([0, 1]);
});
