import { isObject, type JsonObject } from '../../domain/json.ts';

/** A JSON schema as data that nobody has checked yet. */
export type SchemaNode = JsonObject;

export const JSON_TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

export const isJsonType = (value: unknown): value is JsonType => (JSON_TYPES as readonly unknown[]).includes(value);

/** Whether a schema says `keyword` itself; a key whose value is undefined never reaches the engine. */
export const says = (node: SchemaNode, keyword: string): boolean =>
  Object.hasOwn(node, keyword) && node[keyword] !== undefined;

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** `properties.name.pattern`: keys joined by dots, so that a caller can put its own prefix before it. */
export const keyPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** `anyOf[0]`. */
export const indexPath = (path: string, index: number): string => `${path}[${index}]`;

/** The keys of a reference within the document, or null if it points elsewhere. */
export function refKeys(ref: string): readonly string[] | null {
  if (ref === '#') return [];
  return ref.startsWith('#/') ? ref.slice(2).split('/') : null;
}

/**
 * What a reference names, or undefined. Keys are taken as they are written and lead through objects only, as the
 * engine's grammar reads them (xgrammar 0.2.8, `json_schema_converter.cc`): no `~1`, no `%20`, no array index.
 */
export function resolveRef(root: unknown, ref: string): unknown {
  let target: unknown = root;
  for (const key of refKeys(ref) ?? ['']) {
    if (key === '' || !isObject(target) || !Object.hasOwn(target, key)) return undefined;
    target = target[key];
  }
  return target;
}

/** The declared types, or null where the schema does not say. */
export function declaredTypes(node: SchemaNode): readonly JsonType[] | null {
  if (!says(node, 'type')) return null;
  const { type } = node as { type: unknown };
  return (Array.isArray(type) ? type : [type]).filter(isJsonType);
}

/** The type of a JSON value; a whole number is an `integer`. */
export function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'object' | 'string' | 'boolean';
}

/** Whether every value of type `inner` is of type `outer`. */
export const isWithin = (inner: JsonType, outer: JsonType): boolean =>
  inner === outer || (inner === 'integer' && outer === 'number');
