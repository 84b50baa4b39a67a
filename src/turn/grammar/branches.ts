import { isObject } from '../../domain/json.ts';
import { isWithin, listOf, resolveRef, says, type SchemaNode } from './json-schema.ts';
import type { SchemaTypes } from './types.ts';

const MAX_REFERENCES = 50;
const MAX_DEPTH = 3;

/**
 * Whether no value can match both schemas, as far as that shows at once: other types, other constants, another value of
 * a key that both require (a discriminator), or a key that one requires and the other has no room for.
 */
export function areDisjoint(root: unknown, types: SchemaTypes, pair: readonly [unknown, unknown], depth = 0): boolean {
  const [left, right] = [follow(root, pair[0]), follow(root, pair[1])];
  const common = [...types.of(left)].filter((inner) =>
    [...types.of(right)].some((outer) => isWithin(inner, outer) || isWithin(outer, inner)),
  );
  if (common.length === 0) return true;
  if (!left || !right) return false;
  const [leftValues, rightValues] = [scalars(left), scalars(right)];
  if (leftValues && rightValues) return !leftValues.some((value) => rightValues.includes(value));
  if (common.some((type) => type !== 'object') || depth > MAX_DEPTH) return false;
  return (
    hasNoRoomFor(right, left) ||
    hasNoRoomFor(left, right) ||
    sharedKeys(left, right).some((key) =>
      areDisjoint(root, types, [propertyOf(left, key), propertyOf(right, key)], depth + 1),
    )
  );
}

/** What stands at the end of references and of single `allOf`s. */
function follow(root: unknown, schema: unknown): SchemaNode | null {
  let node: unknown = schema;
  for (let step = 0; step < MAX_REFERENCES && isObject(node); step++) {
    const { $ref, allOf } = node as Record<string, unknown>;
    if (typeof $ref === 'string') node = resolveRef(root, $ref);
    else if (Array.isArray(allOf) && allOf.length === 1) node = allOf[0];
    else return node;
  }
  return null;
}

/** The values of `const` or `enum`, if they are all simple enough to compare. */
function scalars(node: SchemaNode): readonly unknown[] | null {
  const { const: only, enum: values } = node as Record<string, unknown>;
  const list = says(node, 'const') ? [only] : Array.isArray(values) ? values : null;
  return list !== null && list.every((value) => typeof value !== 'object' || value === null) ? list : null;
}

const requiredKeys = (node: SchemaNode): readonly string[] =>
  listOf(node['required']).filter((key) => typeof key === 'string');

function sharedKeys(left: SchemaNode, right: SchemaNode): readonly string[] {
  const keys = new Set(requiredKeys(right));
  return requiredKeys(left).filter((key) => keys.has(key));
}

function propertyOf(node: SchemaNode, key: string): unknown {
  const { properties } = node as Record<string, unknown>;
  return isObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
}

/** Whether `node` is closed and lacks a key that `other` requires. */
function hasNoRoomFor(node: SchemaNode, other: SchemaNode): boolean {
  if (node['additionalProperties'] !== false || says(node, 'patternProperties')) return false;
  return requiredKeys(other).some((key) => propertyOf(node, key) === undefined);
}
