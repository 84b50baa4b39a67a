import { STOP_TOKEN_IDS, TOKENS } from '../harmony/tokens.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import type { TurnSampling } from './sampling.ts';

/**
 * Why no other engine can go on in the middle of a generation, as a clause about the request; null where one can: what
 * is generated so far becomes part of its prompt, and each further token depends on nothing but the tokens before it.
 * A seed, penalties and a grammar depend on where the generation began: the engine starts their state behind its prompt
 * (vLLM 0.32: a seeded continuation differs within a few tokens; only the repetition penalty counts the prompt too, and
 * is no exception worth a rule). What is drawn without a seed is another draw of the same distribution, and greedy text
 * is the same.
 */
export function continuationObstacle(sampling: TurnSampling, rule: OutputRule | null): string | null {
  const { seed, presencePenalty, frequencyPenalty, repetitionPenalty } = sampling;
  if (rule !== null) return 'its output is held to a grammar, which begins where an answer begins';
  if (seed !== null) return 'it has a seed, whose random numbers begin where a generation begins';
  if (presencePenalty !== 0 || frequencyPenalty !== 0 || repetitionPenalty !== 1) {
    return 'it has penalties, which count from where a generation begins';
  }
  return null;
}

/** Ids after which an engine generates nothing, whatever it was asked for. */
const LAST_IDS: ReadonlySet<number> = new Set([...STOP_TOKEN_IDS, TOKENS.endOfText]);

/** How a generation has ended whose last frame was lost; null where more was to come. `roomTokens`: what it could have had. */
export function lostEnd(tokenIds: readonly number[], roomTokens: number): 'stop' | 'length' | null {
  if (LAST_IDS.has(tokenIds.at(-1) ?? -1)) return 'stop';
  return tokenIds.length >= roomTokens ? 'length' : null;
}
