import type { JsonSchema } from '../harmony/message.ts';
import type { CallRule, GrammarSchema, OutputRule } from '../harmony/structural-tag.ts';
import { grammarProblem } from './grammar-limits.ts';
import { grammarSchema } from './grammar-schema.ts';

/** A function that the model is offered, as far as its calls are concerned. */
export interface OfferedFunction {
  readonly name: string;
  readonly parameters: JsonSchema | null;
  /** Its arguments must match `parameters`, whatever the model would like. */
  readonly strict: boolean;
}

/** What the caller wants to hold in the output. */
export interface OutputWish {
  readonly functions: readonly OfferedFunction[];
  /** Whether the model may, must or must not call. */
  readonly calls: 'none' | 'auto' | 'required';
  /** The functions that it may call; null means all that are offered. */
  readonly allowed: readonly string[] | null;
  readonly answer:
    { readonly kind: 'text' | 'json_object' } | { readonly kind: 'json_schema'; readonly schema: JsonSchema };
  readonly maxReasoningTokens: number | null;
}

const ANY_OBJECT: GrammarSchema = { type: 'object' };
const NO_ARGUMENTS: GrammarSchema = { type: 'object', properties: {}, additionalProperties: false };

/**
 * The rule that holds a wish, or null where free generation does: then no grammar is sent and nothing is slowed down.
 */
export function outputRule(wish: OutputWish): OutputRule | null {
  const callable = callableFunctions(wish);
  const isFree =
    wish.calls !== 'required' &&
    callable.length === wish.functions.length &&
    !callable.some(({ strict }) => strict) &&
    wish.answer.kind === 'text' &&
    wish.maxReasoningTokens === null;
  if (isFree) return null;
  return {
    maxReasoningTokens: wish.maxReasoningTokens,
    calls: callable.map(callRule),
    answer: wish.calls === 'required' ? null : answerRule(wish.answer),
  };
}

function callableFunctions({ functions, calls, allowed }: OutputWish): readonly OfferedFunction[] {
  if (calls === 'none') return [];
  return allowed === null ? functions : functions.filter(({ name }) => allowed.includes(name));
}

/** Where nobody asked for strictness, a schema that the grammar cannot hold is no reason to refuse: any object will do. */
function callRule({ name, parameters, strict }: OfferedFunction): CallRule {
  if (parameters === null) return { name, schema: NO_ARGUMENTS };
  return { name, schema: strict || grammarProblem(parameters) === null ? grammarSchema(parameters) : ANY_OBJECT };
}

function answerRule(answer: OutputWish['answer']): OutputRule['answer'] {
  switch (answer.kind) {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'json', schema: ANY_OBJECT };
    case 'json_schema':
      return { kind: 'json', schema: grammarSchema(answer.schema) };
  }
}
