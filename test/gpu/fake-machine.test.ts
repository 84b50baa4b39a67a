import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../src/domain/units.ts';
import { bookMemory } from '../../src/sim/gpu-ledger.ts';
import { systemClock } from '../../src/system/clock.ts';
import { FakeMachine } from '../support/fake-nvidia-smi.ts';
import { fakeGpus, fakeLedger } from '../support/gpu-machine/ledger.ts';

const FORMAT = '--format=csv,noheader,nounits';

let machine: FakeMachine;
const children: ChildProcess[] = [];
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  machine.remove();
});

const ask = (...args: string[]) => {
  const { stdout, status } = spawnSync(join(machine.root, 'bin/nvidia-smi'), args, {
    env: machine.env(),
    encoding: 'utf8',
  });
  return { stdout, status };
};
const usedMiB = () => ask('--query-gpu=memory.used', FORMAT).stdout.trim().split('\n');

describe('the fake nvidia-smi', () => {
  beforeEach(() => machine.installGpus(fakeLedger(fakeGpus(2, 'h100'))));

  it('answers any list of fields in the one form that is asked for', () => {
    expect(ask('--query-gpu=memory.total,index,name', FORMAT)).toEqual({
      stdout: '81559, 0, NVIDIA H100 80GB HBM3\n81559, 1, NVIDIA H100 80GB HBM3\n',
      status: 0,
    });
    expect(ask('--query-gpu=index,memory.free', '--format=csv').status).toBe(2);
  });

  it('refuses a field that it does not know', () => {
    expect(ask('--query-gpu=index,colour', FORMAT)).toEqual({
      stdout: 'Field "colour" is not a valid field to query.\n',
      status: 2,
    });
  });

  it('lists cards and slices, links, and misbehaves as told', () => {
    expect(ask('-L').stdout.split('\n')[1]).toBe('GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-00000001-fake)');
    expect(ask('topo', '-m').stdout).toContain('GPU0\t X \tNV18');
    machine.changeGpus({ misbehaviour: { vanished: [0], garbageRow: 'what?' } });
    expect(ask('--query-gpu=index', FORMAT).stdout).toBe('1\nwhat?\n');
    machine.changeGpus({ misbehaviour: { text: 'Failed to initialize NVML: Unknown Error', exitCode: 255 } });
    expect(ask('-L')).toEqual({ stdout: 'Failed to initialize NVML: Unknown Error\n', status: 255 });
  });
});

describe('booked memory', () => {
  /** A process that does nothing but live. */
  const liveProcess = async (): Promise<number> => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    children.push(child);
    await once(child, 'spawn');
    return child.pid ?? expect.fail('no process');
  };
  beforeEach(() => machine.installGpus(fakeLedger(fakeGpus(2, 'h100'))));

  it('is seen by nvidia-smi and ends with the process', async () => {
    const pid = await liveProcess();
    const request = { pid, visibleDevices: '1', utilization: 0.5 };
    expect(await bookMemory(machine.ledgerFile, request, systemClock)).toBeNull();
    expect(usedMiB()).toEqual(['0', '40541']);
    expect(ask('--query-compute-apps=pid,used_gpu_memory', FORMAT).stdout).toBe(`${pid}, 40541\n`);
    const [child] = children;
    child?.kill('SIGKILL');
    await once(child ?? expect.fail(), 'exit');
    expect(usedMiB()).toEqual(['0', '0']);
  });

  it('that is not free is refused in the words of vLLM, and nothing is booked', async () => {
    machine.changeGpus({
      bookings: [{ pid: 21_180, uuid: 'GPU-00000001-fake', bytes: 20 * GiB, isForeign: true }],
    });
    const request = { pid: process.pid, visibleDevices: '0,1', utilization: 0.9 };
    expect(await bookMemory(machine.ledgerFile, request, systemClock)).toBe(
      'ValueError: Free memory on device cuda:1 (59.2/79.2 GiB) on startup is less than desired GPU memory utilization ' +
        '(0.9, 71.3 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
    );
    expect(usedMiB()).toEqual(['0', String((20 * GiB) / MiB)]);
  });

  it('is never booked twice, however many ask at once', async () => {
    const pid = await liveProcess();
    const asked = Array.from({ length: 5 }, () =>
      bookMemory(machine.ledgerFile, { pid, visibleDevices: '0', utilization: 0.4 }, systemClock),
    );
    expect((await Promise.all(asked)).filter((answer) => answer === null)).toHaveLength(2);
  });
});
