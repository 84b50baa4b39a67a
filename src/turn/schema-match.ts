import { isObject } from '../domain/json.ts';
import {
  declaredTypes,
  indexPath,
  isWithin,
  keyPath,
  listOf,
  resolveRef,
  says,
  typeOfValue,
  type SchemaNode,
} from './grammar/json-schema.ts';
import { hasFormat, LinearPatterns } from './json-formats.ts';

/** Thrown where judging a value takes too long: a schema can ask for exponential work with a few references. */
export class OutOfSteps extends Error {}

/** About a tenth of a second. */
const MAX_STEPS = 200_000;

/**
 * Judges a value by a JSON schema that `grammarProblem` lets pass: the keywords that a grammar holds, as draft 2020-12
 * means them, with formats asserted. Reads the schema as it goes, so that nothing is compiled for a single answer and
 * nothing of a client's schema ever becomes code.
 */
export class SchemaMatch {
  readonly #root: unknown;
  readonly #patterns = new LinearPatterns();
  readonly #targets = new Map<string, unknown>();
  #stepsLeft = MAX_STEPS;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** The first mismatch as a clause with its path, such as `` `items[0].name` must be string ``; null for none. */
  problem(value: unknown): string | null {
    return this.#judge(this.#root, value, '');
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft < 0) throw new OutOfSteps();
  }

  #judge(schema: unknown, value: unknown, path: string): string | null {
    this.#spend(1);
    if (!isObject(schema)) return schema === false ? must(path, 'not be there') : null;
    if (says(schema, '$ref')) return this.#judge(this.#target(String(schema['$ref'])), value, path);
    if (says(schema, 'const')) return this.#oneOf([schema['const']], value, path);
    if (says(schema, 'enum')) return this.#oneOf(listOf(schema['enum']), value, path);
    const { anyOf, oneOf, allOf } = schema as Record<string, unknown>;
    if (Array.isArray(allOf)) return first(allOf, (branch) => this.#judge(branch, value, path));
    if (Array.isArray(anyOf)) return this.#anyOf(anyOf, value, path);
    if (Array.isArray(oneOf)) return this.#anyOf(oneOf, value, path);
    return this.#typed(schema, value, path);
  }

  #target(ref: string): unknown {
    if (!this.#targets.has(ref)) this.#targets.set(ref, resolveRef(this.#root, ref));
    return this.#targets.get(ref);
  }

  #oneOf(allowed: readonly unknown[], value: unknown, path: string): string | null {
    this.#spend(allowed.length);
    return allowed.some((one) => isSame(one, value)) ? null : must(path, 'be one of the allowed values');
  }

  /** Branches of `oneOf` exclude each other wherever the grammar holds them. */
  #anyOf(branches: readonly unknown[], value: unknown, path: string): string | null {
    const problems = [];
    for (const branch of branches) {
      const problem = this.#judge(branch, value, path);
      if (problem === null) return null;
      problems.push(problem);
    }
    return (problems.length === 1 && problems[0]) || must(path, 'match one of the alternatives');
  }

  #typed(node: SchemaNode, value: unknown, path: string): string | null {
    const types = declaredTypes(node);
    if (types !== null && !types.some((type) => isWithin(typeOfValue(value), type))) {
      return must(path, `be ${types.join(' or ')}`);
    }
    if (typeof value === 'string') return this.#text(node, value, path);
    if (typeof value === 'number') return numberProblem(node, value, path);
    if (Array.isArray(value)) return this.#array(node, value, path);
    return isObject(value) ? this.#object(node, value, path) : null;
  }

  #text({ pattern, format }: SchemaNode, text: string, path: string): string | null {
    if (typeof pattern === 'string' && !this.#matches(pattern, text))
      return must(path, `match ${pattern.slice(0, 200)}`);
    if (typeof format === 'string' && !hasFormat(text, format)) return must(path, `have the format ${format}`);
    return null;
  }

  #matches(pattern: string, text: string): boolean {
    this.#spend(text.length >> 4);
    return this.#patterns.matches(pattern, text);
  }

  #array(node: SchemaNode, array: readonly unknown[], path: string): string | null {
    const { minItems = 0, maxItems = Infinity, prefixItems, items, unevaluatedItems } = node as Record<string, unknown>;
    if (array.length < Number(minItems)) return must(path, `have at least ${String(minItems)} elements`);
    if (array.length > Number(maxItems)) return must(path, `have at most ${String(maxItems)} elements`);
    const prefix = listOf(prefixItems);
    const rest = items ?? unevaluatedItems;
    return first(array, (item, index) =>
      this.#judge(index < prefix.length ? prefix[index] : rest, item, indexPath(path, index)),
    );
  }

  #object(node: SchemaNode, object: SchemaNode, path: string): string | null {
    const keys = Object.keys(object);
    const { minProperties = 0, maxProperties = Infinity, propertyNames } = node as Record<string, unknown>;
    const missing = listOf(node['required']).find((key) => !Object.hasOwn(object, String(key)));
    if (missing !== undefined) return must(path, `have the property ${JSON.stringify(missing)}`);
    if (keys.length < Number(minProperties)) return must(path, `have at least ${String(minProperties)} properties`);
    if (keys.length > Number(maxProperties)) return must(path, `have at most ${String(maxProperties)} properties`);
    return first(keys, (key) => {
      const name = propertyNames === undefined ? null : this.#judge(propertyNames, key, keyPath(path, key));
      return name ?? this.#member(node, key, object[key], keyPath(path, key));
    });
  }

  #member(node: SchemaNode, key: string, value: unknown, path: string): string | null {
    const { properties, patternProperties, additionalProperties, unevaluatedProperties } = node as Record<
      string,
      unknown
    >;
    if (isObject(properties) && Object.hasOwn(properties, key)) return this.#judge(properties[key], value, path);
    const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : [];
    const matching = patterns.filter(([pattern]) => this.#matches(pattern, key));
    if (matching.length > 0) return first(matching, ([, schema]) => this.#judge(schema, value, path));
    return this.#judge(additionalProperties ?? unevaluatedProperties, value, path);
  }
}

const must = (path: string, what: string): string => `${path === '' ? 'it' : `\`${path.slice(0, 200)}\``} must ${what}`;

function first<T>(items: readonly T[], judge: (item: T, index: number) => string | null): string | null {
  for (const [index, item] of items.entries()) {
    const problem = judge(item, index);
    if (problem !== null) return problem;
  }
  return null;
}

function numberProblem(node: SchemaNode, value: number, path: string): string | null {
  const { minimum = -Infinity, maximum = Infinity } = node as Record<string, number>;
  const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity, multipleOf = 0 } = node as Record<string, number>;
  if (value < minimum) return must(path, `be at least ${minimum}`);
  if (value > maximum) return must(path, `be at most ${maximum}`);
  if (value <= exclusiveMinimum) return must(path, `be above ${exclusiveMinimum}`);
  if (value >= exclusiveMaximum) return must(path, `be below ${exclusiveMaximum}`);
  return multipleOf > 0 && value % multipleOf !== 0 ? must(path, `be a multiple of ${multipleOf}`) : null;
}

/** Equality of JSON values: the order of keys does not matter. */
function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => isSame(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]))
  );
}
