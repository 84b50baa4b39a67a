import { CodedError } from '../domain/errors.ts';
import { MODELS, type ModelId } from '../domain/model.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import type { Pool } from '../pool/pool.ts';
import type { PromptEncoder } from './prompt-encoder.ts';

/** What the model is to know. */
export interface Context {
  readonly model: ModelId;
  /** The whole context, old analysis included: encoding drops what the model must not see again. */
  readonly messages: readonly HarmonyMessage[];
  /** Leave out the oldest turns of a context that is too long, instead of refusing it. */
  readonly truncate: boolean;
}

/**
 * The prompt of a whole context. What is longer than the model's longest context is not encoded to its end, unless its
 * oldest turns may go; throws `context_length_exceeded` then. Rejects with the signal's reason when it aborts.
 */
export async function encodeContext(
  { prompts, pool }: { readonly prompts: PromptEncoder; readonly pool: Pool },
  { messages, model, truncate }: Context,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const { maxContextTokens } = MODELS[model];
  const maxTokens = truncate ? Infinity : maxContextTokens;
  const prompt = await prompts.encode(messages, { maxTokens, signal });
  if (prompt !== null) return prompt;
  const contextTokens = pool.anyReady(model)?.maxModelLen ?? maxContextTokens;
  const message =
    `The input has more than ${maxTokens} tokens and the context window of ${model} here has ${contextTokens}. ` +
    'Shorten the input.';
  throw new CodedError('context_length_exceeded', message, { param: 'input' });
}
