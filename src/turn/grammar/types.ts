import { isObject } from '../../domain/json.ts';
import {
  declaredTypes,
  JSON_TYPES,
  listOf,
  resolveRef,
  says,
  typeOfValue,
  type JsonType,
  type SchemaNode,
} from './json-schema.ts';

const ALL_TYPES: ReadonlySet<JsonType> = new Set(JSON_TYPES);
const OBJECT_KEYWORDS = ['properties', 'additionalProperties', 'unevaluatedProperties'];
const ARRAY_KEYWORDS = ['items', 'prefixItems', 'unevaluatedItems'];
/** References that lead to references: further on, or round in a circle, every type is possible. */
const MAX_STEPS = 100;

/** The types that a schema speaks of without `type`: the grammar then takes it for one (xgrammar 0.2.8). */
export function impliedTypes(node: SchemaNode): readonly JsonType[] | null {
  if (OBJECT_KEYWORDS.some((keyword) => says(node, keyword))) return ['object'];
  return ARRAY_KEYWORDS.some((keyword) => says(node, keyword)) ? ['array'] : null;
}

/** Which types the values can have that the grammar lets through; too many rather than too few. */
export class SchemaTypes {
  readonly #root: unknown;
  readonly #known = new Map<SchemaNode, ReadonlySet<JsonType>>();

  constructor(root: unknown) {
    this.#root = root;
  }

  of(schema: unknown, steps = 0): ReadonlySet<JsonType> {
    if (!isObject(schema) || steps > MAX_STEPS) return ALL_TYPES;
    const known = this.#known.get(schema);
    if (known) return known;
    this.#known.set(schema, ALL_TYPES);
    const types = this.#find(schema, steps + 1);
    this.#known.set(schema, types);
    return types;
  }

  /** In the order in which the grammar decides by what it takes a schema. */
  #find(node: SchemaNode, steps: number): ReadonlySet<JsonType> {
    const { $ref, const: only, enum: values, anyOf, oneOf, allOf } = node as Record<string, unknown>;
    if (says(node, '$ref')) return this.of(typeof $ref === 'string' ? resolveRef(this.#root, $ref) : undefined, steps);
    if (says(node, 'const')) return new Set([typeOfValue(only)]);
    if (says(node, 'enum')) return new Set(listOf(values).map(typeOfValue));
    const branches = [anyOf, oneOf, allOf].find(Array.isArray);
    if (branches) return new Set(branches.flatMap((branch: unknown) => [...this.of(branch, steps)]));
    return new Set(declaredTypes(node) ?? impliedTypes(node) ?? JSON_TYPES);
  }
}
