import type { HarmonyMessage } from './message.ts';

/**
 * The conversation without the reasoning that the model must not see again: every analysis before the last final goes,
 * everything after it stays, so an open tool loop keeps its thoughts. (gpt-oss's chat template does the same;
 * openai-harmony 0.0.8 looks at the first final only.) Returns a new list; calls and their results always stay.
 */
export function dropOldAnalysis(messages: readonly HarmonyMessage[]): HarmonyMessage[] {
  const lastFinal = messages.findLastIndex((message) => message.role === 'assistant' && message.channel === 'final');
  return messages.filter(
    (message, index) => index > lastFinal || message.role !== 'assistant' || message.channel !== 'analysis',
  );
}
