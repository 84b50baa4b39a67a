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

/** The page cache comes and goes in it, and vLLM counts that as used (vllm#35920). */
const UNIFIED_RESERVE_SHARE = 0.1;

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
  const obstacle = obstacleOf(gpu);
  if (obstacle) return { subject: gpuLabel(gpu), ...obstacle };
  const { totalBytes, freeBytes, usedBytes } = gpu;
  if (totalBytes === null || freeBytes === null) return { subject: gpuLabel(gpu), ...UNKNOWN_MEMORY };
  const isShared = isSharedCard(gpu);
  const cudaBytes = usedBytes === null ? totalBytes : Math.min(totalBytes, usedBytes + freeBytes);
  return {
    gpu,
    totalBytes: cudaBytes,
    freeBytes,
    reserveBytes: reserveOf(gpu, cudaBytes, isShared),
    maxUtilization: gpu.unifiedMemory ? MAX_UNIFIED_UTILIZATION : 1,
    isShared,
  };
}

type Obstacle = Pick<Rejection, 'code' | 'reason' | 'remedy'>;

const UNKNOWN_MEMORY: Obstacle = {
  code: 'unknown_memory',
  reason: 'the driver does not tell its memory',
  remedy: 'Run nvidia-smi: if it shows the memory as numbers there, look again; if it shows ERR!, reset the card.',
};

/** What keeps vLLM off the card however much of its memory is free. */
function obstacleOf({ index, migEnabled, migSlice, recoveryAction, computeCapability, cordon }: Gpu): Obstacle | null {
  if (cordon !== undefined) {
    return { code: 'cordoned', reason: `it ${cordon.reason}, and is out of service`, remedy: cordon.remedy };
  }
  if (recoveryAction !== undefined) {
    return {
      code: 'needs_recovery',
      reason: `the driver reports it as broken (recovery action: ${recoveryAction})`,
      remedy: recoveryRemedy(recoveryAction, index),
    };
  }
  if (migEnabled && migSlice === undefined) {
    return {
      code: 'mig_enabled',
      reason: 'MIG splits it, and vLLM finds a slice only in a container that was given that one and nothing else',
      remedy:
        `Give the container one slice and leave CUDA_VISIBLE_DEVICES unset, or turn MIG off while nothing uses the card: ` +
        `sudo nvidia-smi -i ${index} -mig 0`,
    };
  }
  if (computeCapability === null) {
    return {
      code: 'unknown_capability',
      reason: 'the driver does not tell its compute capability, so it is not known whether vLLM runs on it',
      remedy: 'Update the NVIDIA driver, then look again.',
    };
  }
  if (computeCapability >= MIN_COMPUTE_CAPABILITY) return null;
  return {
    code: 'compute_capability_too_low',
    reason:
      `compute capability ${computeCapability.toFixed(1)}; bf16 and the MXFP4 kernels of vLLM need ` +
      `${MIN_COMPUTE_CAPABILITY.toFixed(1)} (Ampere, 2020) or newer`,
    remedy: 'No setting changes this: use a newer card, such as an L4, an RTX 3090 or an A100.',
  };
}

/** What brings a card back of which the driver wants this done (`gpu_recovery_action`). */
export function recoveryRemedy(recoveryAction: string, index: number): string {
  return /reboot/i.test(recoveryAction)
    ? 'Reboot the machine.'
    : `End what uses it, then run sudo nvidia-smi --gpu-reset -i ${index}, or reboot.`;
}

/** On unified memory the host always uses some: that is no sharing, and is reserved for otherwise. */
function isSharedCard({ displayActive, usedBytes, unifiedMemory, processes = [] }: Gpu): boolean {
  if (unifiedMemory) return processes.length > 0;
  return displayActive || processes.length > 0 || (usedBytes ?? 0) > IDLE_USED_BYTES;
}

function reserveOf({ unifiedMemory }: Gpu, cudaBytes: number, isShared: boolean): number {
  if (unifiedMemory) return UNIFIED_RESERVE_SHARE * cudaBytes;
  return isShared ? SHARED_RESERVE_BYTES : OWN_RESERVE_BYTES;
}

/** The same card if nothing else used it: what ending the other processes would give. */
export function emptied(card: Card): Card {
  const reserveBytes = reserveOf(card.gpu, card.totalBytes, false);
  return { ...card, freeBytes: card.totalBytes, reserveBytes, isShared: false };
}

/** One sentence: how to take other programs from these cards. */
export function roomRemedy(cards: readonly Card[]): string {
  return cards.some(({ gpu }) => gpu.displayActive)
    ? 'Drive the display from other graphics, or end what nvidia-smi lists.'
    : 'End the processes that nvidia-smi lists, then start again.';
}
