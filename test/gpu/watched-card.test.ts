import { describe, expect, it } from 'vitest';
import type { GpuFault } from '../../src/domain/gpu.ts';
import type { Condition } from '../../src/gpu/health.ts';
import { afterKernelFault, afterLook, watched, type Sighting } from '../../src/gpu/watched-card.ts';
import { lostFault, xidFault } from '../../src/gpu/xid.ts';
import { aGpu } from '../planner/machines.ts';

const GPU = aGpu('h100', { index: 1 });
const WELL: Condition = { recoveryAction: 'None', uncorrectedErrors: 0, hasFailedRepair: false };
const told = (faults: readonly GpuFault[]) => faults.map(({ code, action }) => `${action} ${code}`);

/** The kernel log says so without a number. */
const OFF_THE_BUS = lostFault(GPU, 'has fallen off the bus');
type Step = Sighting | number | typeof OFF_THE_BUS;

/** What is told after each sighting, or after an Xid of that number: `cordon gpu_lost`, `recovered gpu_lost`. */
function story(steps: readonly Step[]): string[] {
  let card = watched(GPU);
  return steps.map((step) => {
    const fault = typeof step === 'number' ? xidFault(GPU, step) : step === OFF_THE_BUS ? OFF_THE_BUS : null;
    if (typeof step === 'number' && fault === null) return '';
    const learned = fault === null ? afterLook(card, step as Sighting) : afterKernelFault(card, fault);
    card = learned.card;
    const recovered = learned.recovered === null ? [] : [`recovered ${learned.recovered.code}`];
    return [...told(learned.begun), ...recovered].join(', ');
  });
}

describe('a card that is watched', () => {
  it.for<[what: string, steps: Step[], told: string[]]>([
    ['stays well', [WELL, 'unknown', WELL], ['', '', '']],
    ['may be missing once', [WELL, 'missing', WELL], ['', '', '']],
    [
      'is lost when it is missing twice, told once',
      [WELL, 'missing', 'missing', 'missing'],
      ['', '', 'cordon gpu_lost', ''],
    ],
    ['is lost at once where the driver says so', [WELL, 'lost', 'lost'], ['', 'cordon gpu_lost', '']],
    ['comes back', ['lost', 'missing', 'unknown', WELL, WELL], ['cordon gpu_lost', '', '', 'recovered gpu_lost', '']],
    [
      'waits for a reset, and has had it',
      [WELL, { ...WELL, recoveryAction: 'Reset' }, WELL],
      ['', 'cordon needs_recovery', 'recovered needs_recovery'],
    ],
    [
      'could not be repaired',
      [WELL, { ...WELL, hasFailedRepair: true }, { ...WELL, hasFailedRepair: true }, WELL],
      ['', 'cordon memory_repair_failed', '', 'recovered memory_repair_failed'],
    ],
    ['was like that before', [{ ...WELL, hasFailedRepair: true, uncorrectedErrors: 5 }], ['']],
    [
      'had memory errors that the driver has dealt with',
      [WELL, { ...WELL, uncorrectedErrors: 1 }, { ...WELL, uncorrectedErrors: 1 }, { ...WELL, uncorrectedErrors: 2 }],
      ['', 'restart ecc_errors', '', 'restart ecc_errors'],
    ],
    [
      'had memory errors and an old driver, until that is loaded anew',
      [
        { ...WELL, recoveryAction: null },
        { ...WELL, recoveryAction: null, uncorrectedErrors: 1 },
        { ...WELL, recoveryAction: null, uncorrectedErrors: 1 },
        { ...WELL, recoveryAction: null },
      ],
      ['', 'cordon ecc_errors', '', 'recovered ecc_errors'],
    ],
    ['had an error of a program', [WELL, 31, 13], ['', 'restart xid_31', 'restart xid_13']],
    ['had an error that means nothing', [WELL, 43, 45, 63], ['', '', '', '']],
    ['had an error that nobody knows', [WELL, 999], ['', 'restart xid_999']],
    [
      'needs a reset by the kernel log alone, until it had one',
      [WELL, 119, WELL, { ...WELL, recoveryAction: 'Reset' }, WELL],
      ['', 'cordon xid_119', '', '', 'recovered xid_119'],
    ],
    [
      'is lost by the kernel log although nvidia-smi still lists it for a while',
      [WELL, OFF_THE_BUS, WELL, 'missing', 'missing', WELL],
      ['', 'cordon gpu_lost', '', '', '', 'recovered gpu_lost'],
    ],
    [
      'tells no second fault while it is out of service',
      [WELL, 79, 79, 'missing', 'missing', 74],
      ['', 'cordon xid_79', '', '', '', ''],
    ],
  ])('%s', ([, steps, expected]) => {
    expect(story(steps)).toEqual(expected);
  });

  it.for<[number, string, string]>([
    [
      79,
      'GPU 1 (NVIDIA H100 80GB HBM3) has fallen off the bus (Xid 79).',
      'Reboot the machine; if it comes back, the card, its power or its slot is at fault.',
    ],
    [
      95,
      'GPU 1 (NVIDIA H100 80GB HBM3) had a memory error that may have hit every program on it (Xid 95).',
      'End what uses it, then run sudo nvidia-smi --gpu-reset -i 1, or reboot.',
    ],
    [
      94,
      'GPU 1 (NVIDIA H100 80GB HBM3) had a memory error that hit one program (Xid 94).',
      'None while it stays the only one; if it comes back, test the card: dcgmi diag -r 3.',
    ],
  ])('says what Xid %d means and what to do', ([number, sentence, remedy]) => {
    expect(xidFault(GPU, number)).toMatchObject({ uuid: 'GPU-1', index: 1, sentence, remedy });
  });
});
