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
  const starts = messageStarts(promptTokenIds);
  const openingStart = starts.pop() ?? 0;
  const counts = starts.map((start, index) => (starts[index + 1] ?? openingStart) - start);
  const openingTokens = promptTokenIds.length - openingStart;
  const kept = newestThatFit(dropOldAnalysis(messages), counts, roomTokens - openingTokens);
  if (kept !== null) {
    const front = promptTokenIds.slice(0, starts[kept.front] ?? openingStart);
    return front.concat(promptTokenIds.slice(starts[kept.from] ?? openingStart));
  }
  const message = `The newest turn of the input does not fit the ${roomTokens} tokens that the context window leaves for it. Shorten it.`;
  throw new CodedError('context_length_exceeded', message, { param: 'input' });
}

/** Every rendered message begins with `<|start|>`, which text never encodes to. */
function messageStarts(tokenIds: readonly number[]): number[] {
  const starts: number[] = [];
  for (let at = tokenIds.indexOf(TOKENS.start); at !== -1; at = tokenIds.indexOf(TOKENS.start, at + 1)) starts.push(at);
  return starts;
}
