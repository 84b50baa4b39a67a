import type { Gpu } from '../domain/gpu.ts';
import { GpuWatch, type GpuWatchOptions } from '../gpu/gpu-watch.ts';
import type { Deployment } from './deployment.ts';

/** The machine's cards, and how to ask about them. */
export interface GpuSight extends Omit<GpuWatchOptions, 'gpus' | 'onFault' | 'onRecovery'> {
  /** All that the inventory has. */
  readonly gpus: readonly Gpu[];
}

/**
 * Looks after the cards of a deployment: one that may not be used any more is taken out of it. A fault that only ends
 * programs is left to the engine's own restart.
 */
export function watchGpus(sight: GpuSight, deployment: () => Deployment): GpuWatch {
  return new GpuWatch({
    ...sight,
    onFault: (fault) => {
      if (fault.action === 'cordon') void deployment().cordon(fault);
    },
    onRecovery: (fault) => deployment().noteRecovery(fault),
  });
}
