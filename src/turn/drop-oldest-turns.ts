import { CodedError } from '../domain/errors.ts';
import { dropOldAnalysis } from '../harmony/drop.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import { TOKENS } from '../harmony/tokens.ts';
import { newestThatFit } from './truncate.ts';

/**
 * The prompt without its oldest turns, where all of it would take more than `roomTokens`. Throws
 * `context_length_exceeded` when the newest turn alone is too long.
 */
export function withoutOldestTurns(
  promptTokenIds: readonly number[],
  messages: readonly HarmonyMessage[],
  roomTokens: number,
): readonly number[] {
  if (promptTokenIds.length <= roomTokens) return promptTokenIds;
  const parts = splitAtStart(promptTokenIds);
  const opening = parts.pop() ?? [];
  const counts = parts.map((part) => part.length);
  const kept = newestThatFit(dropOldAnalysis(messages), counts, roomTokens - opening.length);
  if (kept !== null) return [...parts.slice(0, kept.front), ...parts.slice(kept.from), opening].flat();
  const message = `The newest turn of the input does not fit the ${roomTokens} tokens that the context window leaves for it. Shorten it.`;
  throw new CodedError('context_length_exceeded', message, { param: 'input' });
}

/** Every rendered message begins with `<|start|>`, which text never encodes to. */
function splitAtStart(tokenIds: readonly number[]): (readonly number[])[] {
  const starts = tokenIds.flatMap((id, index) => (id === TOKENS.start ? [index] : []));
  return starts.map((start, index) => tokenIds.slice(start, starts[index + 1]));
}
