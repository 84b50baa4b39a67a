import type { JsonSchema } from './message.ts';

/** Something in a schema that cannot be told to the model; it reads `any` there. */
export interface SchemaProblem {
  /** Where, as a JSON pointer: `#/properties/child`. */
  readonly path: string;
  /** One sentence, with the reference by name. */
  readonly reason: string;
}

export interface InlinedSchema {
  /** Without `$ref`, `$defs`, `definitions`, `allOf` and `anyOf`, wherever the model is shown something. */
  readonly schema: JsonSchema;
  /** Empty for a schema that could be inlined whole. */
  readonly problems: readonly SchemaProblem[];
}

/** Deeper and larger schemas than any real one; references can make a short schema endless or enormous. */
const MAX_DEPTH = 64;
const MAX_NODES = 20_000;

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
 * a schema for anything and is named in `problems`. Schemas without these keywords come back as they are.
 */
export function inlineSchema(schema: JsonSchema): InlinedSchema {
  const inliner = new Inliner(schema);
  return { schema: inliner.inline(schema, { path: '#', depth: 0, trail: ['#'] }), problems: inliner.problems };
}

class Inliner {
  readonly problems: SchemaProblem[] = [];
  #nodes = 0;
  readonly #root: JsonSchema;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  inline(schema: JsonSchema, place: Place): JsonSchema {
    if (++this.#nodes > MAX_NODES) return this.#anything(place, `It has more than ${MAX_NODES} parts.`);
    if (place.depth > MAX_DEPTH) return this.#anything(place, `It is nested more than ${MAX_DEPTH} deep.`);
    const { $ref: reference, $defs: _defs, definitions: _definitions, allOf, anyOf, ...own } = schema;
    let result = this.#inlineParts(own, place);
    if (typeof reference === 'string') result = { ...this.#resolve(reference, place), ...result };
    if (Array.isArray(allOf)) result = merge(result, this.#inlineAll(allOf, 'allOf', place));
    if (Array.isArray(anyOf)) result = unite(result, this.#inlineAll(anyOf, 'anyOf', place));
    return result;
  }

  /** The keywords under which the model is shown more schemas. */
  #inlineParts(schema: JsonSchema, place: Place): JsonSchema {
    const { properties, items, oneOf } = schema;
    return {
      ...schema,
      ...(isObject(properties) ? { properties: this.#inlineProperties(properties, place) } : {}),
      ...(isObject(items) ? { items: this.inline(items, within(place, 'items')) } : {}),
      ...(Array.isArray(oneOf) ? { oneOf: this.#inlineAll(oneOf, 'oneOf', place) } : {}),
    };
  }

  #inlineProperties(properties: JsonSchema, place: Place): JsonSchema {
    const inlined = Object.entries(properties).map(([name, value]) => [
      name,
      isObject(value) ? this.inline(value, within(place, `properties/${name}`)) : value,
    ]);
    return Object.fromEntries(inlined) as JsonSchema;
  }

  #inlineAll(schemas: readonly unknown[], keyword: string, place: Place): JsonSchema[] {
    return schemas.map((schema, index) =>
      isObject(schema) ? this.inline(schema, within(place, `${keyword}/${index}`)) : {},
    );
  }

  #resolve(reference: string, place: Place): JsonSchema {
    if (place.trail.includes(reference)) return this.#anything(place, `The reference ${reference} is recursive.`);
    const target = lookUp(this.#root, reference);
    if (target === null) return this.#anything(place, `The reference ${reference} leads to no schema.`);
    return this.inline(target, { ...place, depth: place.depth + 1, trail: [...place.trail, reference] });
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
  for (const step of reference.slice(2).split('/')) {
    const name = decodeFragment(step).replaceAll('~1', '/').replaceAll('~0', '~');
    target =
      isObject(target) && Object.hasOwn(target, name)
        ? target[name]
        : Array.isArray(target)
          ? target[Number(name)]
          : null;
  }
  return isObject(target) ? target : null;
}

function decodeFragment(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** All of them at once: fields and required names add up; of what can be said only once, the first to say it counts. */
function merge(own: JsonSchema, others: readonly JsonSchema[]): JsonSchema {
  return others.reduce((merged, other) => {
    const properties = mergeProperties(merged['properties'], other['properties']);
    const required = [merged['required'], other['required']].flatMap((names) => (Array.isArray(names) ? names : []));
    return {
      ...other,
      ...merged,
      ...(properties === null ? {} : { properties }),
      ...(required.length === 0 ? {} : { required: [...new Set(required)] }),
    };
  }, own);
}

function mergeProperties(left: unknown, right: unknown): JsonSchema | null {
  if (!isObject(left) || !isObject(right)) return isObject(left) ? left : isObject(right) ? right : null;
  const shared = Object.entries(right).map(([name, schema]) => {
    const known = left[name];
    return [name, isObject(known) && isObject(schema) ? merge(known, [schema]) : (known ?? schema)];
  });
  return { ...left, ...(Object.fromEntries(shared) as JsonSchema) };
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

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
