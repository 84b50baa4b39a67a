import { COMPILE_MS } from './cost.ts';
import { firstProblem, problem, type GrammarProblem } from './problem.ts';
import { patternProblem } from './values.ts';
import { isObject } from '../../domain/json.ts';
import { indexPath, keyPath, listOf, says, type SchemaNode } from './json-schema.ts';
import type { SchemaWalk } from './walk.ts';

/** Judges what a schema says about arrays, and enters the schemas of their elements. */
export function arrayProblem(walk: SchemaWalk, node: SchemaNode, path: string): GrammarProblem | null {
  const { minItems = 0, maxItems = Infinity } = node as { minItems?: number; maxItems?: number };
  const prefix = listOf(node['prefixItems']);
  const restKeyword = says(node, 'items') ? 'items' : 'unevaluatedItems';
  const rest = node[restKeyword];
  const isClosed = rest === false || (rest === undefined && prefix.length > 0);
  const counted = (['minItems', 'maxItems'] as const).find((keyword) => says(node, keyword));
  if (counted !== undefined && rest === undefined && prefix.length === 0) {
    return problem(keyPath(path, counted), `with ${counted} alone the grammar allows no elements`, 'Add "items": {}.');
  }
  if (minItems > maxItems) return problem(keyPath(path, 'minItems'), 'minItems is more than maxItems');
  if (isClosed && minItems > prefix.length) {
    return problem(
      keyPath(path, 'minItems'),
      'minItems is more than the elements that there is a schema for',
      'Add items.',
    );
  }
  if (maxItems < prefix.length) {
    return problem(
      keyPath(path, 'maxItems'),
      'the grammar refuses more prefixItems than maxItems',
      'Shorten prefixItems.',
    );
  }
  const bare = prefix.indexOf(true);
  if (bare >= 0) {
    return problem(indexPath(keyPath(path, 'prefixItems'), bare), 'the grammar refuses true here', 'Write {}.');
  }
  for (const [index, item] of prefix.entries()) walk.enter(item, indexPath(keyPath(path, 'prefixItems'), index));
  if (rest !== undefined && rest !== false) walk.enter(rest, keyPath(path, restKeyword));
  walk.cost.add(path, COMPILE_MS.array + COMPILE_MS.element * prefix.length);
  return null;
}

/** What a schema says about the keys of objects. */
interface Keys {
  readonly properties: SchemaNode;
  readonly listed: readonly string[];
  readonly required: readonly string[];
  readonly patterns: readonly string[];
  /** The keyword for all other keys, if there is one. */
  readonly otherKeyword: 'additionalProperties' | 'unevaluatedProperties' | null;
  /** Other keys than the listed ones may come. */
  readonly isOpen: boolean;
}

function keysOf(node: SchemaNode): Keys {
  const { properties, patternProperties } = node as Record<string, unknown>;
  const otherKeyword =
    (['additionalProperties', 'unevaluatedProperties'] as const).find((keyword) => says(node, keyword)) ?? null;
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  return {
    properties: isObject(properties) ? properties : {},
    listed: isObject(properties) ? Object.keys(properties) : [],
    required: [...new Set(listOf(node['required']).map(String))],
    patterns,
    otherKeyword,
    isOpen:
      (otherKeyword !== null && node[otherKeyword] !== false) || patterns.length > 0 || says(node, 'propertyNames'),
  };
}

/** Judges what a schema says about objects, and enters the schemas of their members. */
export function objectProblem(walk: SchemaWalk, node: SchemaNode, path: string): GrammarProblem | null {
  const keys = keysOf(node);
  const found =
    listedProblem(keys, path) ??
    countProblem(node, keys, path) ??
    patternsProblem(walk, node, keys, path) ??
    namesProblem(walk, node, keys, path);
  if (found) return found;
  for (const key of keys.listed) walk.enter(keys.properties[key], keyPath(keyPath(path, 'properties'), key));
  const { otherKeyword } = keys;
  if (otherKeyword !== null && node[otherKeyword] !== false)
    walk.enter(node[otherKeyword], keyPath(path, otherKeyword));
  addCost(walk, node, keys, path);
  return null;
}

function listedProblem({ listed, required }: Keys, path: string): GrammarProblem | null {
  const unsayable = listed.find((key) => key.includes('<|'));
  if (unsayable !== undefined) {
    return problem(keyPath(keyPath(path, 'properties'), unsayable), 'the model cannot write the text <|', 'Rename it.');
  }
  return firstProblem(required, (key, index) => {
    if (listed.includes(key)) return null;
    const name = JSON.stringify(key.slice(0, 80));
    return problem(
      indexPath(keyPath(path, 'required'), index),
      `the grammar does not insist on a key without a schema: ${name}`,
      `Add ${name} to properties.`,
    );
  });
}

function countProblem(node: SchemaNode, { listed, required, isOpen }: Keys, path: string): GrammarProblem | null {
  const keyword = (['minProperties', 'maxProperties'] as const).find((name) => says(node, name));
  if (keyword === undefined) return null;
  const { minProperties = 0, maxProperties = Infinity } = node as Record<string, number>;
  if (listed.length === 0 && !isOpen && node['additionalProperties'] !== false) {
    return problem(
      keyPath(path, keyword),
      `with ${keyword} alone the grammar allows no keys`,
      'Add "additionalProperties": true.',
    );
  }
  if (minProperties > maxProperties || (!isOpen && minProperties > listed.length)) {
    return problem(keyPath(path, 'minProperties'), 'there is no room for so many properties');
  }
  if (maxProperties < required.length) {
    return problem(keyPath(path, 'maxProperties'), 'more properties than that are required');
  }
  if (isOpen && minProperties > required.length + 1) {
    return problem(
      keyPath(path, 'minProperties'),
      'the grammar counts a key twice that is written twice',
      'Leave it out.',
    );
  }
  return null;
}

function patternsProblem(walk: SchemaWalk, node: SchemaNode, keys: Keys, path: string): GrammarProblem | null {
  const { patterns, listed } = keys;
  const at = keyPath(path, 'patternProperties');
  if (patterns.length > 1 || (patterns.length === 1 && listed.length > 0)) {
    const reason = 'the grammar lets a key that two schemas speak of follow either of them';
    return problem(at, reason, 'Use one pattern and no properties, or properties with additionalProperties.');
  }
  const found = firstProblem(patterns, (pattern) => patternProblem(walk, pattern, keyPath(at, pattern)));
  if (found) return found;
  for (const [pattern, schema] of Object.entries(node['patternProperties'] ?? {})) {
    walk.enter(schema, keyPath(at, pattern));
  }
  return null;
}

function namesProblem(walk: SchemaWalk, node: SchemaNode, keys: Keys, path: string): GrammarProblem | null {
  const { propertyNames } = node as Record<string, unknown>;
  if (!isObject(propertyNames)) return null;
  const at = keyPath(path, 'propertyNames');
  const isClosed = keys.otherKeyword !== null && node[keys.otherKeyword] === false;
  if (keys.listed.length > 0 || keys.patterns.length > 0 || isClosed) {
    const reason = 'the grammar holds propertyNames only where no other keyword names keys or closes the object';
    return problem(at, reason, 'Leave it out.');
  }
  walk.enter({ type: 'string', ...propertyNames }, at);
  return null;
}

function addCost({ cost }: SchemaWalk, node: SchemaNode, keys: Keys, path: string): void {
  const { listed, required, isOpen } = keys;
  const pairs = (listed.length - required.length) ** 2 / 2;
  const { maxProperties = listed.length } = node as Record<string, number>;
  const isCounted = says(node, 'maxProperties') || says(node, 'minProperties');
  const pairMs = isCounted ? COMPILE_MS.countedPair * Math.min(maxProperties, listed.length) : COMPILE_MS.optionalPair;
  const openMs = isOpen && listed.length > 0 ? COMPILE_MS.openObject : 0;
  cost.add(keyPath(path, 'properties'), COMPILE_MS.property * listed.length + pairMs * pairs);
  cost.add(path, openMs);
}
