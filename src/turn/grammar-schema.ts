import { isObject } from '../domain/json.ts';
import { type SchemaNode } from './grammar/json-schema.ts';
import { judgePattern } from './grammar/pattern.ts';

/** Their members are schemas, their keys names. */
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions'];
/** Plain data, however much it looks like a schema. */
const DATA = ['enum', 'const', 'default', 'examples'];

/**
 * A schema as the grammar must be given it: its regular expressions in the spelling that the grammar holds, which the
 * original spelling is not sure of (`judgePattern`). For schemas that `grammarProblem` lets pass; nothing else changes.
 */
export function grammarSchema(schema: SchemaNode): SchemaNode {
  return Object.fromEntries(Object.entries(schema).map(([keyword, part]) => [keyword, grammarPart(keyword, part)]));
}

function grammarPart(keyword: string, part: unknown): unknown {
  if (DATA.includes(keyword)) return part;
  if (keyword === 'pattern' && typeof part === 'string') return grammarPattern(part);
  if (!MAPS.includes(keyword) || !isObject(part)) return inside(part);
  const keyOf = keyword === 'patternProperties' ? grammarPattern : (key: string) => key;
  return Object.fromEntries(Object.entries(part).map(([key, schema]) => [keyOf(key), inside(schema)]));
}

function inside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inside);
  return isObject(value) ? grammarSchema(value) : value;
}

function grammarPattern(pattern: string): string {
  const verdict = judgePattern(pattern);
  return verdict.kind === 'held' ? verdict.grammarPattern : pattern;
}
