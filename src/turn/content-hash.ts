import { createHash } from 'node:crypto';
import type { ModelId } from '../domain/model.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import type { TurnSampling } from './sampling.ts';

/** What an engine is given to work on, as far as it can be what ends it. */
export interface EngineWork {
  readonly model: ModelId;
  readonly sampling: TurnSampling;
  readonly rule: OutputRule | null;
}

const HASH_DIGITS = 16;

/**
 * Names a request by what it asks of an engine, so that a client's own retry has the same name: the first 16 hex digits
 * of the SHA-256 of model, sampling, rule and prompt. Tells nothing of the prompt, and may be logged.
 */
export function contentHash({ model, sampling, rule }: EngineWork, promptTokenIds: readonly number[]): string {
  return createHash('sha256')
    .update(JSON.stringify([model, sampling, rule]))
    .update(Int32Array.from(promptTokenIds))
    .digest('hex')
    .slice(0, HASH_DIGITS);
}
