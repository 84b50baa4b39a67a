import type { JsonSchema } from '../harmony/message.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { FunctionCallItem, MessageItem, ReasoningItem, TokenLogprob } from '../protocol/responses.ts';
import { jsonProblem } from '../turn/json-check.ts';

/** How the output of one response is named, shown and judged. */
export interface OutputPolicy {
  /** The time that ids of items begin with. */
  readonly nowMs: number;
  /** The client's name of every offered function, by the name that the model knows. */
  readonly functionNames: ReadonlyMap<string, string>;
  /** What the arguments of strict functions must match, by the client's name. */
  readonly strictParameters: ReadonlyMap<string, JsonSchema>;
  /** What the answer must match; null for free text. */
  readonly answerSchema: JsonSchema | null;
  /** The output must end in a call. */
  readonly callRequired: boolean;
  /** Spells the tokens that the engine names by id. */
  readonly spellLogprob: (logprob: EngineLogprob) => TokenLogprob;
  readonly showReasoning: boolean;
  /** Seals the text of reasoning for the client to carry; null when it did not ask for that. */
  readonly sealReasoning: ((text: string) => string) | null;
}

/** What of an item of the output is judged. */
export type Said =
  | Pick<FunctionCallItem, 'type' | 'name' | 'arguments'>
  | (Pick<MessageItem, 'type' | 'phase'> & { readonly content: readonly { readonly text: string }[] })
  | Pick<ReasoningItem, 'type'>;

/**
 * What a completed output does not hold although it was asked for, as one sentence; null when all holds. The grammar
 * makes this the exception; a response that claims what is not true would be worse than a failed one.
 */
export function brokenPromise(output: readonly Said[], policy: OutputPolicy): string | null {
  const hasCall = output.some(({ type }) => type === 'function_call');
  if (policy.callRequired && !hasCall) return 'The model made no call although tool_choice requires one.';
  const hasAnswer = output.some((item) => item.type === 'message' && item.phase === 'final_answer');
  if (policy.answerSchema !== null && !hasCall && !hasAnswer) return 'The model gave no answer for text.format.';
  for (const item of output) {
    const problem = itemProblem(item, policy);
    if (problem !== null) return problem;
  }
  return null;
}

function itemProblem(item: Said, { answerSchema, strictParameters }: OutputPolicy): string | null {
  if (item.type === 'function_call') {
    const schema = strictParameters.get(item.name);
    const problem = schema === undefined ? null : jsonProblem(schema, item.arguments);
    return problem === null ? null : `The model's arguments for ${item.name} break its strict schema: ${problem}`;
  }
  if (item.type !== 'message' || item.phase !== 'final_answer' || answerSchema === null) return null;
  const problem = jsonProblem(answerSchema, item.content.map(({ text }) => text).join(''));
  return problem === null ? null : `The model's answer breaks text.format: ${problem}`;
}
