import { isObject } from '../domain/json.ts';
import type { JsonSchema } from './message.ts';
import { SchemaBudget } from './schema-budget.ts';

/** Something in a schema that cannot be told to the model; it reads `any` there. */
export interface SchemaProblem {
  /** Where, as a JSON pointer: `#/properties/child`. */
  readonly path: string;
  /** One sentence, with the reference by name. */
  readonly reason: string;
}

export interface InlinedSchema {
  /** Only what the model is shown: without `$ref`, `allOf`, `anyOf`, and without keywords that `schemaType` ignores. */
  readonly schema: JsonSchema;
  /** Empty for a schema that could be inlined whole. */
  readonly problems: readonly SchemaProblem[];
}

/** Deeper than any real schema; references can make a short one endless. */
const MAX_DEPTH = 64;

const TOO_LARGE = 'The schemas of this request are larger than any context.';

/** What the model is shown of a schema, schemas apart. */
const SHOWN_VALUES = ['type', 'title', 'description', 'default', 'examples', 'enum', 'required', 'nullable'];

interface Place {
  readonly path: string;
  readonly depth: number;
  /** The references that led here, outermost first. */
  readonly trail: readonly string[];
}

/**
 * Puts into one tree what a schema says by reference and combination, because `schemaType` has words for trees only:
 * `$ref` within the schema is replaced by its target (keywords beside it win), `allOf` is merged, `anyOf` becomes a
 * union, or, of one type and null, that type and `nullable`. A reference that is recursive or leads nowhere becomes
 * a schema for anything and is named in `problems`, and so does the first schema for which `budget`, shared by all
 * schemas of a request, has nothing left; what comes after that is left out.
 */
export function inlineSchema(schema: JsonSchema, budget: SchemaBudget = new SchemaBudget()): InlinedSchema {
  const inliner = new Inliner(schema, budget);
  return { schema: inliner.inline(schema, { path: '#', depth: 0, trail: ['#'] }), problems: inliner.problems };
}

class Inliner {
  readonly problems: SchemaProblem[] = [];
  readonly #root: JsonSchema;
  readonly #budget: SchemaBudget;

  constructor(root: JsonSchema, budget: SchemaBudget) {
    this.#root = root;
    this.#budget = budget;
  }

  inline(schema: JsonSchema, place: Place): JsonSchema {
    if (this.#budget.isSpent) return this.#anything(place, TOO_LARGE);
    if (place.depth > MAX_DEPTH) return this.#anything(place, `It is nested more than ${MAX_DEPTH} deep.`);
    const { $ref: reference, allOf, anyOf } = schema;
    let result = this.#inlineParts(schema, place);
    if (typeof reference === 'string') result = { ...this.#resolve(reference, place), ...result };
    if (Array.isArray(allOf)) result = merge([result, ...this.#inlineAll(allOf, 'allOf', place)], this.#budget);
    if (Array.isArray(anyOf)) result = unite(result, this.#inlineAll(anyOf, 'anyOf', place));
    return result;
  }

  #inlineParts(schema: JsonSchema, place: Place): JsonSchema {
    this.#budget.spendSchema(place.depth);
    const parts: Record<string, unknown> = {};
    for (const keyword of SHOWN_VALUES) {
      if (Object.hasOwn(schema, keyword)) parts[keyword] = this.#pay(schema[keyword], keyword, place);
    }
    const { properties, items, oneOf } = schema;
    if (isObject(properties)) parts['properties'] = this.#inlineProperties(properties, place);
    if (items !== undefined) parts['items'] = isObject(items) ? this.inline(items, within(place, 'items')) : items;
    if (oneOf !== undefined) parts['oneOf'] = Array.isArray(oneOf) ? this.#inlineAll(oneOf, 'oneOf', place) : oneOf;
    return parts;
  }

  #pay(value: unknown, keyword: string, { depth }: Place): unknown {
    if (Array.isArray(value) && keyword !== 'default') return this.#budget.spendList(value, depth);
    if (typeof value === 'string' || keyword === 'default') this.#budget.spendValue(value, depth);
    return value;
  }

  #inlineProperties(properties: JsonSchema, place: Place): JsonSchema {
    const inlined: [string, unknown][] = [];
    for (const name of Object.keys(properties)) {
      if (this.#endsAt(within(place, `properties/${name}`))) break;
      const value = properties[name];
      inlined.push([name, isObject(value) ? this.inline(value, within(place, `properties/${name}`)) : value]);
      this.#budget.spendValue(name, place.depth);
    }
    return Object.fromEntries(inlined);
  }

  #inlineAll(schemas: readonly unknown[], keyword: string, place: Place): JsonSchema[] {
    const inlined: JsonSchema[] = [];
    for (const [index, schema] of schemas.entries()) {
      if (this.#endsAt(within(place, `${keyword}/${index}`))) break;
      inlined.push(isObject(schema) ? this.inline(schema, within(place, `${keyword}/${index}`)) : {});
      this.#budget.spendCopies(1);
    }
    return inlined;
  }

  #resolve(reference: string, place: Place): JsonSchema {
    if (place.trail.includes(reference)) return this.#anything(place, `The reference ${reference} is recursive.`);
    const target = lookUp(this.#root, reference);
    this.#budget.spendValue(reference, 0);
    if (target === null) return this.#anything(place, `The reference ${reference} leads to no schema.`);
    return this.inline(target, { ...place, depth: place.depth + 1, trail: [...place.trail, reference] });
  }

  /** Whether there is nothing left for this one and what comes after it. */
  #endsAt({ path }: Place): boolean {
    if (this.#budget.isSpent) this.problems.push({ path, reason: TOO_LARGE });
    return this.#budget.isSpent;
  }

  #anything({ path }: Place, reason: string): JsonSchema {
    this.problems.push({ path, reason });
    return {};
  }
}

const within = ({ path, depth, trail }: Place, step: string): Place => ({
  path: `${path}/${step}`,
  depth: depth + 1,
  trail,
});

/** Follows a JSON pointer in a URI fragment (RFC 6901, section 6); null when nothing is there. */
function lookUp(root: JsonSchema, reference: string): JsonSchema | null {
  if (!reference.startsWith('#/')) return null;
  let target: unknown = root;
  for (const step of decodeFragment(reference.slice(2)).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, name)) return null;
    target = (target as JsonSchema)[name];
  }
  return isObject(target) ? target : null;
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** All of them at once: fields and required names add up; of what can be said only once, the first to say it counts. */
function merge(schemas: readonly JsonSchema[], budget: SchemaBudget): JsonSchema {
  const merged: Record<string, unknown> = {};
  const required = new Set<unknown>();
  for (const schema of schemas) {
    for (const keyword of Object.keys(schema)) merged[keyword] ??= schema[keyword];
    if (Array.isArray(schema['required'])) for (const name of schema['required']) required.add(name);
  }
  const lists = schemas.map((schema) => schema['properties']).filter(isObject);
  if (lists.length > 1) merged['properties'] = mergeProperties(lists, budget);
  if (required.size > 0) merged['required'] = [...required];
  return merged;
}

function mergeProperties(lists: readonly JsonSchema[], budget: SchemaBudget): JsonSchema {
  const byName = new Map<string, unknown[]>();
  for (const list of lists) {
    if (budget.isSpent && byName.size > 0) break;
    for (const name of Object.keys(list)) {
      budget.spendCopies(1);
      const known = byName.get(name);
      if (known === undefined) byName.set(name, [list[name]]);
      else known.push(list[name]);
    }
  }
  return Object.fromEntries([...byName].map(([name, values]) => [name, mergeField(values, budget)]));
}

function mergeField(values: readonly unknown[], budget: SchemaBudget): unknown {
  const [first] = values;
  return values.length > 1 && isObject(first) ? merge(values.filter(isObject), budget) : first;
}

/** One of them: beside a type of its own a choice only narrows that, which is not shown. */
function unite(own: JsonSchema, variants: readonly JsonSchema[]): JsonSchema {
  if (variants.length === 0 || own['type'] !== undefined || own['oneOf'] !== undefined) return own;
  const types = variants.filter((variant) => variant['type'] !== 'null');
  const isNullable = types.length < variants.length;
  const [only] = types;
  if (only !== undefined && types.length === 1) return { ...only, ...own, ...(isNullable ? { nullable: true } : {}) };
  return { ...own, oneOf: isNullable ? [...types, NULL_VARIANT] : types };
}

/** A list, because `null` as the only type has no word of its own. */
const NULL_VARIANT: JsonSchema = { type: ['null'] };
