import type { Gpu, GpuFault } from '../domain/gpu.ts';
import { recoveryRemedy } from '../planner/cards.ts';
import { gpuFault } from './gpu-fault.ts';
import { ECC_REMEDY, FAILED_REPAIR, type Condition } from './health.ts';
import { lostFault } from './xid.ts';

/** One card as the watch knows it. */
export interface WatchedCard {
  readonly gpu: Gpu;
  /** What nvidia-smi told last; null before it told anything. */
  readonly condition: Condition | null;
  /** Complete lists in a row without this card. */
  readonly missedLists: number;
  /** What keeps it out of service; those that nvidia-smi does not show end with a reset. */
  readonly standing: readonly { readonly fault: GpuFault; readonly isShown: boolean }[];
  /** The fault for which it was taken out of service, which is the one that was told. */
  readonly cordonedFor: GpuFault | null;
}

/** What one look at nvidia-smi says of a card: its condition; not listed; named as lost; or nothing. */
export type Sighting = Condition | 'missing' | 'lost' | 'unknown';

/** The card after something was learned of it, and what there is to tell. */
export interface Learned {
  readonly card: WatchedCard;
  readonly begun: readonly GpuFault[];
  readonly recovered: GpuFault | null;
}

/** A list without the card may be a slip of the driver; two in a row are not. */
const LISTS_TO_BE_LOST = 2;

/** A card that was well when planning looked. */
export const watched = (gpu: Gpu): WatchedCard => ({
  gpu,
  condition: null,
  missedLists: 0,
  standing: [],
  cordonedFor: null,
});

/** After a look at nvidia-smi. A card stays out of service until nothing speaks against it. */
export function afterLook(card: WatchedCard, sighting: Sighting): Learned {
  if (sighting === 'unknown') return { card, begun: [], recovered: null };
  const missedLists = sighting === 'missing' ? card.missedLists + 1 : 0;
  const condition = typeof sighting === 'string' ? card.condition : sighting;
  const shown = shownFaults(card, sighting, missedLists);
  const cordons = shown.filter(({ action }) => action === 'cordon').map((fault) => ({ fault, isShown: true }));
  // What only the kernel log told is over when the card has been away or waiting for a reset, and is back.
  const wasReset = card.standing.some(isDown) && !cordons.some(isDown);
  const untilReset = wasReset ? [] : card.standing.filter(({ isShown }) => !isShown);
  // One list without a card that was lost before says nothing of its return.
  const isUndecided = sighting === 'missing' && missedLists < LISTS_TO_BE_LOST;
  const standing = isUndecided ? card.standing : [...cordons, ...untilReset];
  const next = settle({ ...card, condition, missedLists, standing });
  return { ...next, begun: [...next.begun, ...shown.filter(({ action }) => action === 'restart')] };
}

/** After the kernel log told a fault. */
export function afterKernelFault(card: WatchedCard, fault: GpuFault): Learned {
  if (fault.action === 'restart') return { card, begun: [fault], recovered: null };
  if (card.standing.some((known) => known.fault.code === fault.code)) return { card, begun: [], recovered: null };
  return settle({ ...card, standing: [...card.standing, { fault, isShown: false }] });
}

/** Tells the first fault of a card that was well, and the end of the last one of a card that was not. */
function settle(card: WatchedCard): Learned {
  const { standing, cordonedFor } = card;
  const first = standing[0]?.fault ?? null;
  if (cordonedFor === null && first !== null) {
    return { card: { ...card, cordonedFor: first }, begun: [first], recovered: null };
  }
  if (cordonedFor !== null && first === null) {
    return { card: { ...card, cordonedFor: null }, begun: [], recovered: cordonedFor };
  }
  return { card, begun: [], recovered: null };
}

/** nvidia-smi shows that it is away or waits for a reset. */
const isDown = ({ fault, isShown }: WatchedCard['standing'][number]): boolean =>
  isShown && (fault.code === 'gpu_lost' || fault.code === 'needs_recovery');

/** What nvidia-smi shows to be wrong. What was wrong at the first look already, planning has decided about. */
function shownFaults(card: WatchedCard, sighting: Sighting, missedLists: number): GpuFault[] {
  const { gpu } = card;
  if (sighting === 'lost') return [lostFault(gpu, 'no longer answers the driver')];
  if (typeof sighting === 'string') {
    return missedLists < LISTS_TO_BE_LOST ? [] : [lostFault(gpu, 'is no longer listed by nvidia-smi')];
  }
  return [...neededRecovery(gpu, sighting), ...failedRepair(card, sighting), ...risenErrors(card, sighting)];
}

function neededRecovery(gpu: Gpu, { recoveryAction }: Condition): GpuFault[] {
  if (recoveryAction === null || recoveryAction === 'None') return [];
  const reason = `is reported as broken by the driver (recovery action: ${recoveryAction})`;
  const remedy = recoveryRemedy(recoveryAction, gpu.index);
  return [gpuFault(gpu, { code: 'needs_recovery', reason, remedy, action: 'cordon' })];
}

function failedRepair({ gpu, condition, standing }: WatchedCard, { hasFailedRepair }: Condition): GpuFault[] {
  const { code, message, remedy } = FAILED_REPAIR;
  const isNews = condition !== null && !condition.hasFailedRepair;
  const stands = standing.some(({ fault }) => fault.code === code);
  return hasFailedRepair && (isNews || stands)
    ? [gpuFault(gpu, { code, reason: message, remedy, action: 'cordon' })]
    : [];
}

/** The driver says whether such errors need a reset; where it says nothing, they count as if they did. */
function risenErrors({ gpu, condition, standing }: WatchedCard, next: Condition): GpuFault[] {
  const [before, count] = [condition?.uncorrectedErrors ?? null, next.uncorrectedErrors];
  if (before === null || count === null) return [];
  const stands = standing.some(({ fault }) => fault.code === 'ecc_errors');
  if (count < before || (count === before && !stands)) return [];
  const reason = 'had memory errors that ECC could not correct';
  const action = next.recoveryAction === null ? 'cordon' : 'restart';
  return [gpuFault(gpu, { code: 'ecc_errors', reason, remedy: ECC_REMEDY, action })];
}
