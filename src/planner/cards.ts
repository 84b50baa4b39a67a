import type { Gpu } from '../domain/gpu.ts';
import type { Rejection } from '../domain/placement.ts';
import { GiB, MiB } from '../domain/units.ts';
import { gpuLabel } from './wording.ts';

/** A card that vLLM can run on, with the memory figures that planning uses. */
export interface Card {
  readonly gpu: Gpu;
  /** As CUDA counts it: without what the driver reserves for itself. Utilisation is a share of this. */
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Free memory to leave alone. */
  readonly reserveBytes: number;
  /** The largest share that an engine is given without being told. */
  readonly maxUtilization: number;
  /** A display or other processes use it too. */
  readonly isShared: boolean;
}

/** bf16 and vLLM's MXFP4 kernels begin with Ampere (vLLM `quantization/mxfp4.py`, `get_min_capability`). */
const MIN_COMPUTE_CAPABILITY = 8.0;
/** More than the driver itself occupies on an idle card. */
const IDLE_USED_BYTES = 300 * MiB;
/** vLLM measures free memory after it made its CUDA context, which takes about this much. */
const OWN_RESERVE_BYTES = 0.5 * GiB;
/** A desktop or another process moves by hundreds of MiB between planning and loading. */
const SHARED_RESERVE_BYTES = 1 * GiB;

/** The host and its page cache live in the same memory (GB10: 0.80 to 0.85 works, 0.92 does not). */
const MAX_UNIFIED_UTILIZATION = 0.85;

/** Sorts the cards into those that vLLM can use at all, and the others with the reason and remedy. */
export function judgeCards(gpus: readonly Gpu[]): {
  readonly cards: readonly Card[];
  readonly rejections: readonly Rejection[];
} {
  const cards: Card[] = [];
  const rejections: Rejection[] = [];
  for (const gpu of gpus) {
    const judged = judgeCard(gpu);
    if ('gpu' in judged) cards.push(judged);
    else rejections.push(judged);
  }
  return { cards, rejections };
}

function judgeCard(gpu: Gpu): Card | Rejection {
  const subject = gpuLabel(gpu);
  if (gpu.migEnabled) {
    return {
      subject,
      code: 'mig_enabled',
      reason: 'MIG splits it into slices, and Chorus places engines on whole cards only',
      remedy: `Turn MIG off while nothing uses the card: sudo nvidia-smi -i ${gpu.index} -mig 0`,
    };
  }
  if (gpu.computeCapability === null) {
    return {
      subject,
      code: 'unknown_capability',
      reason: 'the driver does not tell its compute capability, so it is not known whether vLLM runs on it',
      remedy: 'Update the NVIDIA driver, then look again.',
    };
  }
  if (gpu.computeCapability < MIN_COMPUTE_CAPABILITY) {
    return {
      subject,
      code: 'compute_capability_too_low',
      reason:
        `compute capability ${gpu.computeCapability.toFixed(1)}; bf16 and the MXFP4 kernels of vLLM need ` +
        `${MIN_COMPUTE_CAPABILITY.toFixed(1)} (Ampere, 2020) or newer`,
      remedy: 'No setting changes this: use a newer card, such as an L4, an RTX 3090 or an A100.',
    };
  }
  if (gpu.totalBytes === null || gpu.freeBytes === null) {
    return {
      subject,
      code: 'unknown_memory',
      reason: 'the driver does not tell its memory (cards that share the host memory, such as GB10, do not)',
      remedy: 'Run nvidia-smi: if it shows the memory as numbers there, look again; if it shows ERR!, reset the card.',
    };
  }
  const isShared = gpu.displayActive || (gpu.usedBytes ?? 0) > IDLE_USED_BYTES;
  return {
    gpu,
    totalBytes: gpu.usedBytes === null ? gpu.totalBytes : Math.min(gpu.totalBytes, gpu.usedBytes + gpu.freeBytes),
    freeBytes: gpu.freeBytes,
    reserveBytes: isShared ? SHARED_RESERVE_BYTES : OWN_RESERVE_BYTES,
    maxUtilization: gpu.unifiedMemory ? MAX_UNIFIED_UTILIZATION : 1,
    isShared,
  };
}

/** The same card if nothing else used it: what ending the other processes would give. */
export function emptied(card: Card): Card {
  return { ...card, freeBytes: card.totalBytes, reserveBytes: OWN_RESERVE_BYTES, isShared: false };
}
