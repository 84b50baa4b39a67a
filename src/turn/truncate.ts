import type { HarmonyMessage } from '../harmony/message.ts';

/** The messages to keep: the first `front`, and those from `from` on. */
export interface Kept {
  readonly front: number;
  readonly from: number;
}

/**
 * What to keep of `messages` so that it takes at most `roomTokens`: what stands in front (system and developer) and
 * the newest turns. A turn is a user's message with all that followed it, so no result loses its call. Null when even
 * the newest turn does not fit.
 */
export function newestThatFit(
  messages: readonly HarmonyMessage[],
  tokenCounts: readonly number[],
  roomTokens: number,
): Kept | null {
  const isFront = ({ role }: HarmonyMessage): boolean => role === 'system' || role === 'developer';
  const firstTurn = messages.findIndex((message) => !isFront(message));
  const front = firstTurn === -1 ? messages.length : firstTurn;
  let roomLeft = roomTokens - sum(tokenCounts.slice(0, front));
  let from: number | null = null;
  for (let index = messages.length - 1; index >= front; index--) {
    roomLeft -= tokenCounts[index] ?? 0;
    if (roomLeft < 0) break;
    if (index === front || messages[index]?.role === 'user') from = index;
  }
  return from === null ? null : { front, from };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
