import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { dropOldAnalysis } from '../harmony/drop.ts';
import { startEncoding } from '../harmony/encode.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import { renderConversation } from '../harmony/render.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';

/**
 * The prompt of a conversation as token ids, ending in `<|start|>assistant`. Encodes in steps of a few milliseconds
 * and lets the event loop run between them, so that a megabyte of input holds nobody else up. Rejects with the
 * signal's reason when it aborts.
 */
export async function encodePrompt(
  vocabulary: Vocabulary,
  messages: readonly HarmonyMessage[],
  signal: AbortSignal,
): Promise<readonly number[]> {
  const encoding = startEncoding(vocabulary, renderConversation(dropOldAnalysis(messages)));
  while (!encoding.step()) {
    await nextLoopTurn();
    signal.throwIfAborted();
  }
  return encoding.tokenIds;
}
