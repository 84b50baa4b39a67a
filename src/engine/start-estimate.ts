import { START_PHASES, type StartPhase } from './milestones.ts';

/** How long each phase of one start took, in milliseconds; phases that its log did not show are absent. */
export type PhaseTimes = Readonly<Partial<Record<StartPhase, number>>>;

/** How far something is. Without an earlier one to compare with there is no figure: `percent` and `leftMs` are null. */
export interface Progress {
  readonly phase: 'install' | 'download' | StartPhase;
  /** 0 to 99. */
  readonly percent: number | null;
  readonly leftMs: number | null;
}

/** Where a start is. */
export interface StartPosition {
  readonly phase: StartPhase;
  /** Since the phase began. */
  readonly inPhaseMs: number;
  /** Since the spawn. */
  readonly elapsedMs: number;
}

/**
 * Percent and time left of a start, from what earlier starts took. A phase that takes longer than before leaves the
 * later ones; the estimate then stands still instead of running below zero.
 */
export function estimateStart(
  { phase, inPhaseMs, elapsedMs }: StartPosition,
  earlier: readonly PhaseTimes[],
): Progress {
  if (earlier.length === 0) return { phase, percent: null, leftMs: null };
  const later = START_PHASES.slice(START_PHASES.indexOf(phase) + 1);
  const laterMs = later.reduce((sum, name) => sum + expectedMs(name, earlier), 0);
  const leftMs = Math.max(0, expectedMs(phase, earlier) - inPhaseMs) + laterMs;
  const share = elapsedMs + leftMs === 0 ? 1 : elapsedMs / (elapsedMs + leftMs);
  return { phase, percent: Math.min(99, Math.floor(100 * share)), leftMs };
}

/** The median, so that one start with cold caches does not spoil the estimate for the warm ones after it. */
function expectedMs(phase: StartPhase, earlier: readonly PhaseTimes[]): number {
  const times = earlier.map((start) => start[phase] ?? 0).toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [times[Math.floor((times.length - 1) / 2)], times[Math.ceil((times.length - 1) / 2)]];
  return (low + high) / 2;
}
