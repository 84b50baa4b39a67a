import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GpuMemoryReader } from '../../src/domain/gpu.ts';
import { GiB, MiB } from '../../src/domain/units.ts';
import { gpuMemoryReader } from '../../src/gpu/read-gpu-memory.ts';
import { systemClock } from '../../src/system/clock.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => machine.remove());

const reader = (deadlineMs = 60_000): GpuMemoryReader =>
  gpuMemoryReader({ clock: systemClock, env: machine.env(), root: machine.root, deadlineMs });

it('is what is in use on every card, with those who compute on it', async () => {
  const [first, second] = fakeGpus(2, 'h100');
  const bookings = [{ pid: 21_180, uuid: second?.uuid ?? '', bytes: 2296 * MiB, isForeign: true }];
  machine.installGpus(fakeLedger(first && second ? [first, second] : [], { bookings }));
  expect(await reader()()).toEqual([
    { uuid: first?.uuid, usedBytes: 0, freeBytes: 81_081 * MiB, processes: [] },
    {
      uuid: second?.uuid,
      usedBytes: 2296 * MiB,
      freeBytes: (81_081 - 2296) * MiB,
      processes: [{ pid: 21_180, usedBytes: 2296 * MiB, name: 'VLLM::EngineCore' }],
    },
  ]);
});

it('names a program whose path has commas, and tells no program that the driver does not know', async () => {
  machine.installNvidiaSmi(
    `case "$1" in *compute-apps*) echo 'GPU-1, 7, 100, /opt/a, b/python3'; echo 'GPU-1, 8, [N/A], [Not Found]' ;; ` +
      `*) echo 'GPU-1, NVIDIA L4, 120, 22464' ;; esac`,
  );
  expect(await reader()()).toEqual([
    {
      uuid: 'GPU-1',
      usedBytes: 120 * MiB,
      freeBytes: 22_464 * MiB,
      processes: [
        { pid: 7, usedBytes: 100 * MiB, name: '/opt/a, b/python3' },
        { pid: 8, usedBytes: null },
      ],
    },
  ]);
});

it('of a card that has none of its own is what the host uses', async () => {
  machine.write('proc/meminfo', 'MemTotal:       125829120 kB\nMemAvailable:   104857600 kB\n');
  machine.installNvidiaSmi(`case "$1" in *compute-apps*) ;; *) echo 'GPU-1, NVIDIA GB10, [N/A], [N/A]' ;; esac`);
  expect(await reader()()).toEqual([{ uuid: 'GPU-1', usedBytes: 20 * GiB, freeBytes: 100 * GiB, processes: [] }]);
});

it('leaves out a card that tells no figure, and keeps those listed before one was lost', async () => {
  machine.installNvidiaSmi(
    `case "$1" in *compute-apps*) exit 15 ;; ` +
      `*) echo 'GPU-1, NVIDIA L4, 120, 22464'; echo 'GPU-2, NVIDIA L4, ERR!, ERR!'; echo 'GPU is lost'; exit 15 ;; esac`,
  );
  expect(await reader()()).toEqual([{ uuid: 'GPU-1', usedBytes: 120 * MiB, freeBytes: 22_464 * MiB, processes: [] }]);
});

it.for<[string, string]>([
  ['hangs', 'exec /bin/sleep 60'],
  ['fails', 'echo "Failed to initialize NVML: Unknown Error"; exit 255'],
])('is not known where nvidia-smi %s', async ([, body]) => {
  machine.installNvidiaSmi(body);
  expect(await reader(300)()).toBeNull();
});

it('is not known where there is no nvidia-smi', async () => {
  expect(await reader()()).toBeNull();
});

it('is read once for all who ask at the same time', async () => {
  machine.installNvidiaSmi(`echo "$1" >> '${machine.root}/calls'; echo 'GPU-1, NVIDIA L4, 120, 22464'`);
  const read = reader();
  const answers = await Promise.all([read(), read(), read()]);
  expect(new Set(answers).size).toBe(1);
  const calls = () => readFileSync(join(machine.root, 'calls'), 'utf8').trim().split('\n').length;
  expect(calls()).toBe(2);
  await read();
  expect(calls()).toBe(4);
});

it('is asked one question at a time, whoever else asks nvidia-smi', async () => {
  machine.installNvidiaSmi(
    `mkdir '${machine.root}/busy' || echo overlap >> '${machine.root}/overlaps'; /bin/sleep 0.1; ` +
      `rmdir '${machine.root}/busy'; echo 'GPU-1, NVIDIA L4, 120, 22464'`,
  );
  machine.write('overlaps', '');
  const env = machine.env({ PATH: `${machine.env()['PATH'] ?? ''}:/usr/bin:/bin` });
  const place = { clock: systemClock, env, root: machine.root, deadlineMs: 60_000 };
  await Promise.all([gpuMemoryReader(place)(), gpuMemoryReader(place)()]);
  expect(readFileSync(join(machine.root, 'overlaps'), 'utf8')).toBe('');
});
