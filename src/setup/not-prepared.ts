import type { EngineFailure } from '../engine/failures.ts';
import { SetupFailure } from './failure.ts';

/** Why engines cannot start although their plan is good. */
export function notPrepared(error: unknown): EngineFailure {
  if (error instanceof SetupFailure) {
    return { code: error.code, message: error.sentence, remedy: error.remedy, retry: 'never' };
  }
  const remedy = 'Run chorus setup, which does the same and nothing else.';
  return { code: 'setup_failed', message: (error as Error).message, remedy, retry: 'never' };
}
