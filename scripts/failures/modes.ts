import { ENGINE_MODES } from './engine-modes.ts';
import type { FailureMode } from './failure-mode.ts';
import { SERVICE_MODES } from './service-modes.ts';

/** In the words of an operator; the numbers are those of the list that the suite is made from. */
export const FAILURE_MODES: readonly FailureMode[] = [...ENGINE_MODES, ...SERVICE_MODES].toSorted(
  (a, b) => a.number - b.number,
);
