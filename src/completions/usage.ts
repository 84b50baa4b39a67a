import type { CompletionUsage } from '../protocol/chat.ts';
import type { TurnUsage } from '../turn/progress.ts';

/** The counts of a turn; `reasoningTokens` is null where no reasoning is told from the rest. */
export function completionUsage(usage: TurnUsage, reasoningTokens: number | null): CompletionUsage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    ...(reasoningTokens === null ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}
