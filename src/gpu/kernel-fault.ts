import type { Gpu, GpuFault } from '../domain/gpu.ts';
import type { KernelLogEvent } from './kernel-log-lines.ts';
import { pciSlot } from './pci-devices.ts';
import { lostFault, xidFault } from './xid.ts';

/** The card that an event of the kernel log is about; undefined for one that is none of these. */
export function cardOf({ address }: KernelLogEvent, gpus: readonly Gpu[]): Gpu | undefined {
  return gpus.find(({ pciBusId }) => pciSlot(pciBusId) === pciSlot(address));
}

/** The fault that an event of the kernel log means for its card; null for those that mean none. */
export function kernelFault(event: KernelLogEvent, gpu: Gpu): GpuFault | null {
  return event.kind === 'xid' ? xidFault(gpu, event.number) : lostFault(gpu, 'has fallen off the bus');
}
