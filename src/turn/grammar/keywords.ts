import { firstProblem, problem, type GrammarProblem } from './problem.ts';
import { keyPath, says, type SchemaNode } from './json-schema.ts';

/** Each decides alone what values there are: the grammar takes the first of them and looks at nothing beside it. */
const FORMS = ['$ref', 'const', 'enum', 'anyOf', 'oneOf', 'allOf'] as const;
export type Form = (typeof FORMS)[number];

export const formOf = (node: SchemaNode): Form | null => FORMS.find((keyword) => says(node, keyword)) ?? null;

/** The keywords that say something about values and that the grammar holds where they stand alone. */
const CONSTRAINTS: readonly string[] = [
  FORMS,
  'minLength maxLength pattern format',
  'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf',
  'items prefixItems unevaluatedItems minItems maxItems',
  'properties required additionalProperties unevaluatedProperties',
  'patternProperties propertyNames minProperties maxProperties',
].flatMap((group) => (typeof group === 'string' ? group.split(' ') : group));

/** The constraints of a schema, without those that say nothing: `required: []`, `additionalProperties: true`. */
export const constraintsOf = (node: SchemaNode): readonly string[] =>
  Object.keys(node).filter(
    (keyword) => CONSTRAINTS.includes(keyword) && says(node, keyword) && !saysNothing(keyword, node[keyword]),
  );

function saysNothing(keyword: string, value: unknown): boolean {
  if (/^min(Length|Items|Properties)$/.test(keyword)) return value === 0;
  if (/^(items|unevaluatedItems|required|prefixItems|.*Properties)$|^properties$/.test(keyword)) {
    return value === true || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  }
  return false;
}

interface Unheld {
  readonly remedy: string;
  /** Only then; at every value where this is absent. */
  readonly when?: unknown;
}

const AS_CASES = 'Write the cases as branches of anyOf.';
const AS_REF = 'Use $ref with #/$defs/….';

/** What the grammar passes over in silence (xgrammar 0.2.8): the model would be free where the schema says it is not. */
const UNHELD: Readonly<Record<string, Unheld>> = {
  not: { remedy: 'Say what is allowed instead.' },
  if: { remedy: AS_CASES },
  dependentRequired: { remedy: AS_CASES },
  dependentSchemas: { remedy: AS_CASES },
  dependencies: { remedy: AS_CASES },
  contains: { remedy: 'Leave it out, or describe every element with items.' },
  uniqueItems: { when: true, remedy: 'Leave it out and ask for it in the description.' },
  nullable: { when: true, remedy: 'Add "null" to type, or a branch {"type": "null"} to anyOf.' },
  $dynamicRef: { remedy: AS_REF },
  $recursiveRef: { remedy: AS_REF },
};

/** The first keyword of one schema that the grammar does not know. */
export function unheldProblem(node: SchemaNode, path: string): GrammarProblem | null {
  return firstProblem(Object.keys(node), (keyword) => {
    const unheld = Object.hasOwn(UNHELD, keyword) && says(node, keyword) ? UNHELD[keyword] : undefined;
    if (!unheld || ('when' in unheld && unheld.when !== node[keyword])) return null;
    return problem(keyPath(path, keyword), `the grammar ignores ${keyword}`, unheld.remedy);
  });
}

const BESIDE: Readonly<Record<Form, string>> = {
  $ref: 'Move it into the schema that $ref names.',
  const: 'Leave it out: const says it all.',
  enum: 'Leave it out: enum says it all.',
  anyOf: 'Move it into each branch.',
  oneOf: 'Move it into each branch.',
  allOf: 'Move it into the branch.',
};

/** The first keyword beside a form: the grammar would ignore it. `type` is judged by what the form lets through. */
export function siblingProblem(node: SchemaNode, form: Form, path: string): GrammarProblem | null {
  return firstProblem(constraintsOf(node), (keyword) => {
    const isNote = keyword === 'format' && (form === 'const' || form === 'enum');
    if (keyword === form || isNote) return null;
    return problem(keyPath(path, keyword), `the grammar ignores ${keyword} beside ${form}`, BESIDE[form]);
  });
}
