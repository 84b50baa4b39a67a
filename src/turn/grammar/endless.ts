import { isObject } from '../../domain/json.ts';
import { listOf, resolveRef, says, type SchemaNode } from './json-schema.ts';
import type { Place } from './walk.ts';

/**
 * The first of the schemas that `$ref`s name whose values could never end, because each would have to hold another one:
 * a model held to it writes until its limit. Null when all of them have an end.
 */
export function endlessTarget(root: unknown, targets: readonly Place[]): Place | null {
  const ending = new Set<unknown>();
  const waiting = new Map<unknown, Place[]>();
  const open = [...targets];
  for (let place = open.pop(); place; place = open.pop()) {
    const { schema } = place;
    if (ending.has(schema)) continue;
    const blockers = blockersOf(schema, (ref) => resolveRef(root, ref), ending);
    for (const blocker of blockers ?? []) waiting.set(blocker, [...(waiting.get(blocker) ?? []), place]);
    if (blockers !== null) continue;
    ending.add(schema);
    open.push(...(waiting.get(schema) ?? []));
  }
  return targets.find(({ schema }) => !ending.has(schema)) ?? null;
}

/** Null if a value of `schema` can end, given what is known to; otherwise what it may depend on. */
function blockersOf(
  schema: unknown,
  targetOf: (ref: string) => unknown,
  ending: ReadonlySet<unknown>,
): ReadonlySet<unknown> | null {
  const blockers = new Set<unknown>();
  const ends = canEnd(schema, (ref) => {
    const target = targetOf(ref);
    if (!ending.has(target)) blockers.add(target);
    return ending.has(target);
  });
  return ends ? null : blockers;
}

/** Whether a value of `schema` can end, when it is known which references can. */
function canEnd(schema: unknown, refEnds: (ref: string) => boolean): boolean {
  if (!isObject(schema)) return true;
  const { $ref, anyOf, oneOf, allOf } = schema as Record<string, unknown>;
  if (typeof $ref === 'string') return refEnds($ref);
  if (says(schema, 'const') || says(schema, 'enum')) return true;
  const branches = [anyOf, oneOf, allOf].find(Array.isArray);
  if (branches) return branches.some((branch: unknown) => canEnd(branch, refEnds));
  const { type } = schema as Record<string, unknown>;
  if (Array.isArray(type) && type.some((name) => name !== 'object' && name !== 'array')) return true;
  return neededParts(schema).every((part) => canEnd(part, refEnds));
}

/** The schemas of what every value must hold. */
function neededParts(node: SchemaNode): readonly unknown[] {
  const { properties, required, items, prefixItems, minItems } = node as Record<string, unknown>;
  const members = isObject(properties) ? listOf(required).map((key) => properties[String(key)]) : [];
  const count = typeof minItems === 'number' ? minItems : 0;
  const prefix = listOf(prefixItems);
  return [...members, ...prefix.slice(0, count), ...(count > prefix.length ? [items] : [])];
}
