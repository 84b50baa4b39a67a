import type { Effort } from '../harmony/message.ts';
import type { ReasoningEffort } from './responses.ts';

/** The seven efforts of OpenAI's API onto the three that gpt-oss was trained on. */
export const EFFORTS: Readonly<Record<ReasoningEffort, Effort>> = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};
