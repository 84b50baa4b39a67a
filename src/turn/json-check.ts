import { grammarProblem } from './grammar-limits.ts';
import { OutOfSteps, SchemaMatch } from './schema-match.ts';

/**
 * Why an answer's text is not the JSON that its schema asks for, as a clause with the path that ends in a full stop;
 * null when it is. Only what a grammar can hold is judged: under a schema that `grammarProblem` refuses, or one that
 * would take more than about a tenth of a second to judge, the text only has to be JSON. Never throws.
 */
export function jsonProblem(schema: unknown, text: string): string | null {
  const parsed = parse(text);
  if (parsed === null) return text.trim() === '' ? 'it is empty.' : 'it is not valid JSON.';
  if (grammarProblem(schema) !== null) return null;
  const problem = mismatch(schema, parsed.value);
  return problem === null ? null : `${problem}.`;
}

function parse(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** A value nested tens of thousands deep exhausts the stack before the steps. */
function mismatch(schema: unknown, value: unknown): string | null {
  try {
    return new SchemaMatch(schema).problem(value);
  } catch (error) {
    if (error instanceof OutOfSteps || error instanceof RangeError) return null;
    throw error;
  }
}
