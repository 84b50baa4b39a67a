import { problem, type GrammarProblem } from './problem.ts';
import { firstProblem } from './problem.ts';
import { isObject } from '../../domain/json.ts';
import { isJsonType, keyPath, listOf, says, type SchemaNode } from './json-schema.ts';

const isSchema = (value: unknown): boolean => typeof value === 'boolean' || isObject(value);
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const isMap = (value: unknown): boolean => isObject(value);
const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
const isFilled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

type Shape = readonly [fits: (value: unknown) => boolean, expected: string];
const SCHEMA: Shape = [isSchema, 'a schema: an object, true or false'];
const NUMBER: Shape = [isNumber, 'a number'];
const COUNT: Shape = [isCount, 'a whole number from 0 to 2147483647'];
const TEXT: Shape = [isText, 'a string'];
const MAP: Shape = [isMap, 'an object'];
const BRANCHES: Shape = [isFilled, 'a list of at least one schema'];

/** What the engine's grammar wants each keyword to be; it refuses the request otherwise. */
const SHAPES: Readonly<Record<string, Shape>> = {
  type: [
    (value) => isJsonType(value) || (isFilled(value) && listOf(value).every(isJsonType)),
    'object, array, string, number, integer, boolean or null, or a list of these',
  ],
  $ref: TEXT,
  enum: [isFilled, 'a list of at least one value'],
  anyOf: BRANCHES,
  oneOf: BRANCHES,
  allOf: BRANCHES,
  properties: MAP,
  patternProperties: MAP,
  required: [(value) => Array.isArray(value) && value.every(isText), 'a list of strings'],
  additionalProperties: SCHEMA,
  unevaluatedProperties: SCHEMA,
  propertyNames: MAP,
  minProperties: COUNT,
  maxProperties: COUNT,
  items: SCHEMA,
  unevaluatedItems: SCHEMA,
  prefixItems: [Array.isArray, 'a list of schemas'],
  minItems: COUNT,
  maxItems: COUNT,
  minLength: COUNT,
  maxLength: COUNT,
  pattern: TEXT,
  format: TEXT,
  minimum: NUMBER,
  maximum: NUMBER,
  exclusiveMinimum: NUMBER,
  exclusiveMaximum: NUMBER,
  multipleOf: [(value) => isNumber(value) && Number(value) > 0, 'a number above 0'],
};

/** What an older spelling is called today. */
const OLD_SPELLINGS: Readonly<Record<string, string>> = {
  items: 'Call a list of schemas prefixItems.',
  exclusiveMinimum: 'Put the bound itself here, instead of minimum.',
  exclusiveMaximum: 'Put the bound itself here, instead of maximum.',
};

/** The first keyword of one schema whose value is not of the form that the engine takes. */
export function shapeProblem(node: SchemaNode, path: string): GrammarProblem | null {
  return firstProblem(Object.keys(node), (keyword) => {
    const shape = Object.hasOwn(SHAPES, keyword) && says(node, keyword) ? SHAPES[keyword] : undefined;
    if (!shape || shape[0](node[keyword])) return null;
    return problem(keyPath(path, keyword), `${keyword} must be ${shape[1]}`, OLD_SPELLINGS[keyword]);
  });
}
