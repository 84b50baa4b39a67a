import { TOKENS } from '../harmony/tokens.ts';
import type { FreeText, OutputRule } from '../harmony/structural-tag.ts';
import type { TurnSampling } from './sampling.ts';

/**
 * Why no other engine can go on in the middle of a generation, as a clause about the request; null where one can: what
 * is generated so far becomes part of its prompt, and each further token depends on nothing but the tokens before it.
 * A seed and penalties depend on where the generation began: the engine starts their state behind its prompt (vLLM 0.32:
 * a seeded continuation differs within a few tokens; only the repetition penalty counts the prompt too, and is no
 * exception worth a rule). A grammar can begin in free text, and not in JSON, a call or a header. What is drawn without
 * a seed is another draw of the same distribution, and greedy text is the same.
 *
 * `open`: the free text in whose middle the generation stands.
 */
export function continuationObstacle(
  sampling: TurnSampling,
  rule: OutputRule | null,
  open: FreeText | null,
): string | null {
  const { seed, presencePenalty, frequencyPenalty, repetitionPenalty, extras } = sampling;
  if ((rule !== null && !canBeginIn(rule, open)) || extras?.structured_outputs !== undefined) {
    return 'its output is held to a grammar, which cannot begin in its middle';
  }
  if (extras?.min_tokens !== undefined) return 'it has min_tokens, which count from where a generation begins';
  if (seed !== null) return 'it has a seed, whose random numbers begin where a generation begins';
  if (presencePenalty !== 0 || frequencyPenalty !== 0 || repetitionPenalty !== 1) {
    return 'it has penalties, which count from where a generation begins';
  }
  return null;
}

/** A thought of limited length is no free text: its limit would begin anew. */
function canBeginIn(rule: OutputRule, open: FreeText | null): boolean {
  switch (open) {
    case 'analysis':
      return rule.maxReasoningTokens === null;
    case 'commentary':
      return true;
    case 'final':
      return rule.answer?.kind === 'text';
    case null:
      return false;
  }
}

/** Where gpt-oss's own checkpoint ends a generation, whatever it was asked for. */
const MODEL_ENDS: readonly number[] = [TOKENS.return, TOKENS.call, TOKENS.endOfText];

/** How a generation has ended whose last frame was lost; null where more was to come. `roomTokens`: what it could have had. */
export function lostEnd(
  tokenIds: readonly number[],
  roomTokens: number,
  { stopTokenIds, extras }: Pick<TurnSampling, 'stopTokenIds' | 'extras'>,
): 'stop' | 'length' | null {
  const last = tokenIds.at(-1) ?? -1;
  const isEnd = stopTokenIds.includes(last) || (extras?.ignore_eos !== true && MODEL_ENDS.includes(last));
  if (isEnd) return 'stop';
  return tokenIds.length >= roomTokens ? 'length' : null;
}
