import { arrayProblem, objectProblem } from './grammar/containers.ts';
import { formProblem } from './grammar/forms.ts';
import { constraintsOf, formOf, unheldProblem } from './grammar/keywords.ts';
import { firstProblem, problem, type GrammarProblem } from './grammar/problem.ts';
import { shapeProblem } from './grammar/shapes.ts';
import { sizeProblem } from './grammar/size.ts';
import { numberProblem, stringProblem } from './grammar/values.ts';
import { isObject } from '../domain/json.ts';
import { declaredTypes, keyPath, type JsonType, type SchemaNode } from './grammar/json-schema.ts';
import { endlessTarget } from './grammar/endless.ts';
import { impliedTypes } from './grammar/types.ts';
import { SchemaWalk, type Place } from './grammar/walk.ts';

/**
 * The first thing in a JSON schema that the engine's grammar would pass over in silence, refuse, fail on or take more
 * than about a second to compile; null when it holds the whole schema, given as `grammarSchema` spells it. Measured on
 * xgrammar 0.2.8 inside the tag that `harmony/structural-tag.ts` builds (scripts/harmony/grammar-probe.py repeats it). What the grammar holds more tightly
 * than the schema asks is no problem: an absent `additionalProperties` counts as false, keys come in the schema's
 * order. Only what the root can reach is judged; annotations never matter. Linear in the schema.
 */
export function grammarProblem(schema: unknown): GrammarProblem | null {
  const size = sizeProblem(schema);
  if (size) return size;
  const walk = new SchemaWalk(schema);
  for (const place of walk.places()) {
    const found = placeProblem(walk, place);
    if (found) return found;
  }
  return walk.cost.problem() ?? endlessProblem(walk);
}

function placeProblem(walk: SchemaWalk, { schema, path }: Place): GrammarProblem | null {
  if (schema === true) return null;
  if (schema === false) return problem(path, 'the grammar refuses a schema that no value matches', 'Leave it out.');
  if (!isObject(schema)) return problem(path, 'a schema must be an object, true or false');
  const form = formOf(schema);
  return (
    shapeProblem(schema, path) ??
    unheldProblem(schema, path) ??
    (form === null ? typedProblem(walk, schema, path) : formProblem(walk, schema, form, path))
  );
}

/** A schema that speaks of values by their types. */
function typedProblem(walk: SchemaWalk, node: SchemaNode, path: string): GrammarProblem | null {
  const types = declaredTypes(node) ?? impliedTypes(node);
  if (types !== null) return firstProblem(types, (type) => rulesOf(walk, node, path, type));
  const [keyword] = constraintsOf(node);
  if (keyword === undefined) return null;
  return problem(keyPath(path, keyword), `without type the grammar ignores ${keyword}`, 'Add type.');
}

function rulesOf(walk: SchemaWalk, node: SchemaNode, path: string, type: JsonType): GrammarProblem | null {
  switch (type) {
    case 'object':
      return objectProblem(walk, node, path);
    case 'array':
      return arrayProblem(walk, node, path);
    case 'string':
      return stringProblem(walk, node, path);
    case 'number':
    case 'integer':
      return numberProblem(walk, node, path, type === 'integer');
    case 'boolean':
    case 'null':
      return null;
  }
}

function endlessProblem({ root, targets }: SchemaWalk): GrammarProblem | null {
  const endless = endlessTarget(root, targets);
  if (endless === null) return null;
  const reason = 'every value of this schema would have to hold another one, without end';
  return problem(endless.path, reason, 'Let null or an empty list end it.');
}
