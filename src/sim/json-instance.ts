import { isObject, type JsonObject } from '../domain/json.ts';

/** Deeper than any schema that means it; ends a schema that requires itself. */
const MAX_DEPTH = 64;

/**
 * A small JSON value that a schema admits: what is required and nothing more, the first of every choice. Where `wish`
 * has a value of the right type it is taken. Knows the keywords that describe ordinary data, not `pattern` and `format`.
 */
export function smallestInstance(schema: unknown, wish: unknown): unknown {
  return instanceOf(schema, wish, { root: schema, depth: 0 });
}

interface Position {
  readonly root: unknown;
  readonly depth: number;
}

function instanceOf(schema: unknown, wish: unknown, at: Position): unknown {
  if (!isObject(schema) || at.depth > MAX_DEPTH) return wish ?? null;
  const deeper = { root: at.root, depth: at.depth + 1 };
  if (typeof schema['$ref'] === 'string') return instanceOf(resolve(at.root, schema['$ref']), wish, deeper);
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'].includes(wish) ? wish : schema['enum'][0];
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return instanceOf(choices[0], wish, deeper);
  if (Array.isArray(schema['allOf'])) return instanceOf(Object.assign({}, ...schema['allOf']), wish, deeper);
  const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  if (type === 'object' || 'properties' in schema) return objectOf(schema, wish, deeper);
  if (type === 'array') {
    const count = Number(schema['minItems'] ?? 0);
    return Array.from({ length: count }, (_, index) =>
      instanceOf(schema['items'] ?? true, itemOf(wish, index), deeper),
    );
  }
  return scalarOf(String(type), schema, wish);
}

function objectOf(schema: JsonObject, wish: unknown, at: Position): unknown {
  const wishes = isObject(wish) ? wish : {};
  if (!isObject(schema['properties'])) return wishes;
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const wanted = Object.entries(schema['properties']).filter(([name]) => required.includes(name) || name in wishes);
  return Object.fromEntries(wanted.map(([name, part]) => [name, instanceOf(part, wishes[name], at)]));
}

function scalarOf(type: string, schema: JsonObject, wish: unknown): unknown {
  switch (type) {
    case 'string':
      return typeof wish === 'string' ? wish : 'a'.repeat(Number(schema['minLength'] ?? 0));
    case 'integer':
      return Number.isInteger(wish) ? wish : lowest(schema, Math.ceil);
    case 'number':
      return typeof wish === 'number' ? wish : lowest(schema, (value) => value);
    case 'boolean':
      return typeof wish === 'boolean' ? wish : false;
    default:
      return type === 'null' ? null : (wish ?? {});
  }
}

/** 0, or the number nearest to it that the bounds admit. */
function lowest(schema: JsonObject, round: (value: number) => number): number {
  const above = Number(
    schema['minimum'] ??
      (schema['exclusiveMinimum'] === undefined ? -Infinity : Number(schema['exclusiveMinimum']) + 1),
  );
  const below = Number(
    schema['maximum'] ?? (schema['exclusiveMaximum'] === undefined ? Infinity : Number(schema['exclusiveMaximum']) - 1),
  );
  return Math.min(Math.max(0, round(above)), below);
}

const itemOf = (wish: unknown, index: number): unknown => (Array.isArray(wish) ? wish[index] : undefined);

function resolve(root: unknown, reference: string): unknown {
  const keys = reference.replace(/^#\/?/, '').split('/').filter(Boolean);
  return keys.reduce(
    (value, key) => (isObject(value) ? value[key.replaceAll('~1', '/').replaceAll('~0', '~')] : true),
    root,
  );
}
