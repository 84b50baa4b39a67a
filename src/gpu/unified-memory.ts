import type { Gpu, Host } from '../domain/gpu.ts';

/** Chips whose memory is the host's; their drivers tell no figure (nvidia-smi on DGX Spark prints `[N/A]`). */
const UNIFIED_NAME = /\bGB10\b/;

/** Whether such a chip has no memory of its own. */
export const hasUnifiedMemory = (name: string): boolean => UNIFIED_NAME.test(name);

/** The card with the host's figures where it has none of its own. */
export function withHostMemory(gpu: Gpu, { totalBytes, availableBytes }: Host): Gpu {
  if (gpu.totalBytes !== null || !hasUnifiedMemory(gpu.name)) return gpu;
  return {
    ...gpu,
    totalBytes,
    freeBytes: availableBytes,
    usedBytes: totalBytes - availableBytes,
    unifiedMemory: true,
  };
}
