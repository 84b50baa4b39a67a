import { describe, expect, it } from 'vitest';
import { Refusal } from '../../src/domain/refusal.ts';
import { parseInventory } from '../../src/planner/inventory-file.ts';
import { aGpu, aMachine, inventoryFixture } from './machines.ts';

const HOST = { cpuModel: 'AMD EPYC', cpuCount: 8, totalBytes: 100, availableBytes: 50 };
const L4 = { name: 'NVIDIA L4', computeCapability: 8.9, totalBytes: 24_000, freeBytes: 23_000 };

function refusalOf(text: string): Refusal {
  try {
    parseInventory(text, 'machine.json');
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown;
    throw thrown;
  }
  return expect.fail('it was accepted');
}

const problemsOf = (json: unknown): string[] => refusalOf(JSON.stringify(json)).message.split('\n').slice(1);

describe('a file that describes a machine', () => {
  it('comes back as it was written', () => {
    const machine = aMachine([aGpu('h100'), aGpu('h100', { index: 1 })]);
    expect(parseInventory(JSON.stringify(machine), 'machine.json')).toEqual(machine);
  });

  it('may be the whole output of `chorus plan --json`', () => {
    const machine = inventoryFixture('two-l40s');
    expect(parseInventory(JSON.stringify({ inventory: machine, plan: {} }), 'machine.json')).toEqual(machine);
  });

  it('may leave out what has an obvious value', () => {
    expect(parseInventory(JSON.stringify({ gpus: [L4, L4], host: HOST }), 'machine.json')).toEqual({
      gpus: [0, 1].map((index) => ({
        ...L4,
        index,
        uuid: `GPU-${index}`,
        pciBusId: `00000000:0${index}:00.0`,
        driverVersion: null,
        usedBytes: null,
        migEnabled: false,
        displayActive: false,
      })),
      host: { ...HOST, hasAmx: false },
      findings: [],
      nvidiaVisible: true,
    });
    expect(parseInventory(JSON.stringify({ gpus: [], host: HOST }), 'machine.json').nvidiaVisible).toBe(false);
  });
});

const GPU_KEYS =
  'index, uuid, name, pciBusId, driverVersion, computeCapability, totalBytes, freeBytes, usedBytes, migEnabled, displayActive, unifiedMemory, migSlice, recoveryAction, processes, links, isUnloadedWhenIdle, cordon';

describe('a file that does not', () => {
  it('is refused with exit code 65 and names itself', () => {
    const refusal = refusalOf('{}');
    expect([refusal.exitCode, refusal.message.split('\n')[0]]).toEqual([
      65,
      'machine.json does not describe a machine:',
    ]);
  });

  it('says what to do about text that is not JSON', () => {
    const refusal = refusalOf('gpus: 2');
    expect(refusal.exitCode).toBe(65);
    expect(refusal.message).toMatch(/^machine\.json is not JSON \(.+\)\. `chorus plan --json` prints an example\.$/);
  });

  it('lists every problem with its field and what belongs there', () => {
    const gpus = [{ ...L4, freeBytes: '23 GiB', freeMiB: 1 }, { name: 'NVIDIA L4' }, 7];
    expect(problemsOf({ gpus, host: { ...HOST, cpuCount: 1.5 }, findings: [{ severity: 'bad' }] })).toEqual([
      `  gpus[0].freeMiB is unknown: remove it. Known are ${GPU_KEYS}.`,
      '  gpus[0].freeBytes is "23 GiB": it must be a number of bytes, or null where nvidia-smi does not tell it.',
      '  gpus[1].computeCapability is missing: add a number such as 8.9, or null.',
      '  gpus[1].totalBytes is missing: add a number of bytes, or null where nvidia-smi does not tell it.',
      '  gpus[1].freeBytes is missing: add a number of bytes, or null where nvidia-smi does not tell it.',
      `  gpus[2] must be an object with ${GPU_KEYS}.`,
      '  host.cpuCount is 1.5: it must be the number of logical CPUs.',
      '  findings[0].code is missing: add a name.',
      '  findings[0].severity is "bad": it must be "info", "warning" or "error".',
      '  findings[0].message is missing: add a sentence.',
      '  findings[0].remedy is missing: add a sentence.',
    ]);
  });

  it.for<[unknown, string]>([
    [[], '  the file must be an object with gpus, host, findings, nvidiaVisible.'],
    [{ host: HOST }, '  gpus is missing: add an array, empty for a machine without GPUs.'],
    [{ gpus: {}, host: HOST }, '  gpus is {}: it must be an array, empty for a machine without GPUs.'],
    [{ gpus: [] }, '  host is missing: add an object with cpuModel, cpuCount, totalBytes and availableBytes.'],
    [
      {
        gpus: [
          { ...L4, index: 3 },
          { ...L4, index: 3 },
        ],
        host: HOST,
      },
      '  gpus[1].index is 3 a second time.',
    ],
    [{ gpus: [{ ...L4, uuid: 'GPU-1' }, L4], host: HOST }, '  gpus[1].uuid is GPU-1 a second time.'],
    [
      { gpus: [{ ...L4, freeBytes: 25_000 }], host: HOST },
      '  gpus[0].freeBytes is more than its totalBytes: nvidia-smi gives MiB, times 1,048,576 are bytes.',
    ],
    [
      { gpus: [], host: { ...HOST, availableBytes: HOST.totalBytes + 1 } },
      '  host.availableBytes is more than its totalBytes.',
    ],
  ])('%j: %s', ([json, problem]) => {
    expect(problemsOf(json)).toEqual([problem]);
  });
});
