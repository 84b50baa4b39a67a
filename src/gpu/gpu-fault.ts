import type { Gpu, GpuFault } from '../domain/gpu.ts';
import { gpuLabel } from '../planner/wording.ts';

/** A fault of this card, with the sentence that its reason makes. */
export function gpuFault(gpu: Gpu, fault: Omit<GpuFault, 'uuid' | 'index' | 'sentence'>): GpuFault {
  return { uuid: gpu.uuid, index: gpu.index, sentence: `${gpuLabel(gpu)} ${fault.reason}.`, ...fault };
}
