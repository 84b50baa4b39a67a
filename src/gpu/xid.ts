import type { Gpu, GpuFault } from '../domain/gpu.ts';
import { recoveryRemedy } from '../planner/cards.ts';
import { gpuFault } from './gpu-fault.ts';

/** What has to be done about an error of the driver: to the program on the card, to the card, or to the machine. */
type XidClass = 'ignore' | 'restart' | 'reset' | 'reboot';

interface Xid {
  readonly number: number;
  readonly is: XidClass;
  /** What happened, as it stands after the card's name. */
  readonly reason: string;
}

const xids = (is: XidClass, reasons: Readonly<Record<number, string>>): readonly Xid[] =>
  Object.entries(reasons).map(([number, reason]) => ({ number: Number(number), is, reason }));

const ONLY_A_RESET = 'reported an error that only a reset clears';

/**
 * NVIDIA's catalogue of Xid errors with what it recommends, as gpud (`xid/catalog_generated.go`) encodes it. Of those that
 * it only gives a workflow for, 48 and 74 count as faults of the card, and 45 follows every program that is killed.
 */
const CATALOGUE: readonly Xid[] = [
  ...xids('restart', {
    13: 'stopped a program for an invalid operation',
    31: 'stopped a program for an invalid memory access',
    32: 'got commands from a program that it cannot read',
    39: 'had an error in a copy engine',
    40: 'had an error in a copy engine',
    41: 'had an error in a copy engine',
    68: 'had an error in the video decoder',
    69: 'stopped a program for an error in its graphics engine',
    70: 'had an error in a copy engine',
    71: 'had an error in a copy engine',
    72: 'had an error in a copy engine',
    94: 'had a memory error that hit one program',
  }),
  ...xids('reset', {
    46: 'has stopped processing',
    48: 'had a memory error that ECC could not correct',
    62: 'has halted its internal controller',
    64: 'could not note bad memory for replacement',
    74: 'had an error on an NVLink',
    95: 'had a memory error that may have hit every program on it',
    109: 'timed out when changing between programs',
    110: 'reported a security fault',
    119: 'does not answer the driver (its system processor hangs)',
    120: 'had an error in its system processor',
    136: ONLY_A_RESET,
    140: 'had memory errors that ECC could not correct',
    143: 'could not be initialised',
    156: ONLY_A_RESET,
    158: ONLY_A_RESET,
  }),
  ...xids('reboot', { 79: 'has fallen off the bus' }),
  ...xids('ignore', {
    43: 'stopped a program',
    45: 'cleaned up after a program',
    63: 'noted bad memory for replacement',
    92: 'corrects many memory errors',
    121: 'corrected an error on its link to the CPU',
    137: 'refused a program access over NVLink',
  }),
];

/** "GPU recovery action changed": nvidia-smi tells to what. */
export const XID_RECOVERY_ACTION_CHANGED = 154;

const REBOOT_REMEDY = 'Reboot the machine; if it comes back, the card, its power or its slot is at fault.';
const RESTART_REMEDY = 'None while it stays the only one; if it comes back, test the card: dcgmi diag -r 3.';

/** The fault that an Xid of this number means for the card; null for those that mean none. */
export function xidFault(gpu: Gpu, number: number): GpuFault | null {
  const known = CATALOGUE.find((xid) => xid.number === number);
  const { is, reason } = known ?? { is: 'restart', reason: 'reported an error' };
  const base = { code: `xid_${number}`, reason: `${reason} (Xid ${number})` };
  switch (is) {
    case 'ignore':
      return null;
    case 'restart':
      return gpuFault(gpu, { ...base, action: 'restart', remedy: RESTART_REMEDY });
    case 'reset':
      return gpuFault(gpu, { ...base, action: 'cordon', remedy: recoveryRemedy('Reset', gpu.index) });
    case 'reboot':
      return gpuFault(gpu, { ...base, action: 'cordon', remedy: REBOOT_REMEDY });
  }
}

/** The card no longer answers; `reason` says how that is known. */
export function lostFault(gpu: Gpu, reason: string): GpuFault {
  return gpuFault(gpu, { code: 'gpu_lost', reason, action: 'cordon', remedy: REBOOT_REMEDY });
}
