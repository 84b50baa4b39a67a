import type { FunctionTool, JsonSchema } from '../../src/harmony/message.ts';
import { SPECIAL_TEXTS } from './generate-text.ts';
import type { Random } from './random.ts';

const NAMES = ['location', 'unit', 'query', 'max_results', 'a', 'with-dash', 'größe', 'null', 'deep', 'items', 'type'];
const TEXTS = [
  'City name',
  'The unit.',
  'two\nlines',
  'ends\n',
  '',
  'says "hi"',
  'null',
  '// comment',
  'dos\r\nline',
  ...SPECIAL_TEXTS,
];
const VALUES: readonly unknown[] = [
  'c',
  '',
  'x y',
  0,
  5,
  -1.5,
  true,
  false,
  null,
  [],
  [1, 'a'],
  {},
  { a: { b: ['ü'] } },
];
const TYPES: readonly unknown[] = [
  ['string', 'string', 'number', 'integer', 'boolean', 'null', 'any', 'object', 'object', 'array', 'array'],
  [['string', 'null'], ['integer', 'string'], ['null'], [], ['object', 'null'], ['array']],
].flat();

const DEFINITIONS: JsonSchema = {
  Place: { type: 'object', properties: { city: { type: 'string', description: 'City name' } }, required: ['city'] },
  Loop: { type: 'object', properties: { next: { $ref: '#/$defs/Loop' }, place: { $ref: '#/$defs/Place' } } },
};

/** Some functions with schemas of every kind that the library has words for, and some that it has none for. */
export function generateTools(random: Random): FunctionTool[] {
  return random.times(random.between(1, 5), () => ({
    name: random.pick(['get_weather', 'f', 'search-web', 'mcp__files__read_file', 'Weather2']),
    description: random.chance(80) ? random.pick(TEXTS) : null,
    parameters: random.chance(85) ? generateParameters(random) : null,
  }));
}

function generateParameters(random: Random): JsonSchema {
  const schema = generateSchema(random, 3);
  return { ...schema, ...(random.chance(85) ? generateObject(random, 3) : {}), $defs: DEFINITIONS };
}

function generateSchema(random: Random, depth: number): JsonSchema {
  const type = random.pick(TYPES);
  return {
    ...annotations(random),
    ...(random.chance(92) ? { type } : {}),
    ...(type === 'object' && depth > 0 ? generateObject(random, depth) : {}),
    ...(type === 'array' && depth > 0 && random.chance(85) ? { items: generateSchema(random, depth - 1) } : {}),
    ...(random.chance(20) ? { enum: random.times(random.below(4), () => random.pick([...VALUES, 'c', 'f'])) } : {}),
    ...(random.chance(15) && depth > 0
      ? { oneOf: random.times(random.below(4), () => generateSchema(random, depth - 1)) }
      : {}),
    ...(random.chance(2) ? { oneOf: random.pick(VALUES) } : {}),
    ...(random.chance(8) ? { $ref: random.pick(['#/$defs/Place', '#/$defs/Loop', '#/nowhere', '#']) } : {}),
    ...(random.chance(8) && depth > 0
      ? { anyOf: random.times(random.below(3), () => generateSchema(random, depth - 1)) }
      : {}),
    ...(random.chance(8) && depth > 0
      ? { allOf: random.times(random.below(3), () => generateSchema(random, depth - 1)) }
      : {}),
    ...(random.chance(3) ? { const: 'x' } : {}),
  };
}

function annotations(random: Random): JsonSchema {
  return {
    ...(random.chance(50) ? { description: random.pick(TEXTS) } : {}),
    ...(random.chance(10) ? { title: random.pick(TEXTS) } : {}),
    ...(random.chance(20) ? { default: random.pick(VALUES) } : {}),
    ...(random.chance(10) ? { examples: random.times(random.below(3), () => random.pick(VALUES)) } : {}),
    ...(random.chance(15) ? { nullable: random.chance(80) } : {}),
  };
}

function generateObject(random: Random, depth: number): JsonSchema {
  const names = random.times(random.below(5), () => random.pick(NAMES));
  const properties = Object.fromEntries(names.map((name) => [name, generateSchema(random, depth - 1)]));
  return {
    type: 'object',
    ...(random.chance(95) ? { properties } : {}),
    ...(random.chance(70) ? { required: names.filter(() => random.chance(50)) } : {}),
  };
}
