import { CodedError } from '../domain/errors.ts';
import { MODELS, type ModelId } from '../domain/model.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import type { Pool } from '../pool/pool.ts';
import type { EncodeOptions, PromptEncoder } from './prompt-encoder.ts';

/** What the model is to go on from. */
export type PromptSource =
  | {
      readonly kind: 'messages';
      /** The whole context, old analysis included: encoding drops what the model must not see again. */
      readonly messages: readonly HarmonyMessage[];
      /** Leave out the oldest turns of a context that is too long, instead of refusing it. */
      readonly truncate: boolean;
    }
  /** Ordinary text, whatever it spells: nothing in it becomes a control token. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly tokenIds: readonly number[] };

/** The messages whose oldest turns may be left out; null where nothing may. */
export const cuttable = (prompt: PromptSource): readonly HarmonyMessage[] | null =>
  prompt.kind === 'messages' && prompt.truncate ? prompt.messages : null;

/**
 * The whole prompt as token ids. What is longer than the model's longest context is not encoded to its end, unless its
 * oldest turns may go; throws `context_length_exceeded` then. Rejects with the signal's reason when it aborts.
 */
export async function encodePrompt(
  { prompts, pool }: { readonly prompts: PromptEncoder; readonly pool: Pool },
  { prompt, model }: { readonly prompt: PromptSource; readonly model: ModelId },
  signal: AbortSignal,
): Promise<readonly number[]> {
  const { maxContextTokens } = MODELS[model];
  const maxTokens = cuttable(prompt) === null ? maxContextTokens : Infinity;
  const tokenIds = await tokenIdsOf(prompt, prompts, { maxTokens, signal });
  if (tokenIds !== null) return tokenIds;
  const contextTokens = pool.anyReady(model)?.maxModelLen ?? maxContextTokens;
  const message =
    `The input has more than ${maxTokens} tokens and the context window of ${model} here has ${contextTokens}. ` +
    'Shorten the input.';
  throw new CodedError('context_length_exceeded', message, { param: 'input' });
}

/** Null where they are more than wanted. */
async function tokenIdsOf(
  prompt: PromptSource,
  prompts: PromptEncoder,
  options: EncodeOptions,
): Promise<readonly number[] | null> {
  switch (prompt.kind) {
    case 'messages':
      return prompts.encode(prompt.messages, options);
    case 'text':
      return prompts.encodeText(prompt.text, options);
    case 'tokens':
      return prompt.tokenIds.length > options.maxTokens ? null : prompt.tokenIds;
  }
}
