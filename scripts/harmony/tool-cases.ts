import type { FunctionTool, HarmonyMessage, JsonSchema } from '../../src/harmony/message.ts';

const withFields = (properties: JsonSchema, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required,
});
const string: JsonSchema = { type: 'string' };

/** Parameters for which the library's type is recorded. */
const PARAMETERS: Readonly<Record<string, JsonSchema | null>> = {
  'no parameters': null,
  'an empty schema': {},
  'an object without properties': { type: 'object' },
  'an object with empty properties': withFields({}),
  'no object': string,
  'a described object': { ...withFields({ a: string }, ['a']), description: 'What to do.' },
  'required and optional fields': withFields({ a: string, b: string }, ['a', 'other']),
  'every scalar type': withFields({ a: string, b: { type: 'number' }, c: { type: 'integer' }, d: { type: 'boolean' }, e: { type: 'null' } }),
  'types that have no word': withFields({ a: {}, b: { const: 'x' }, c: { description: 'Whatever.' }, d: { type: 'date' } }),
  'a field of many comments': withFields({ a: { ...string, title: 'T', description: 'D', examples: ['x', 1], default: 'q' } }),
  'comments of many lines': withFields({ a: { ...string, description: 'one\ntwo' } }),
  enums: withFields({ a: { ...string, enum: ['c', 'f'], default: 'c' }, b: { ...string, enum: [] }, c: { ...string, enum: ['c', 1, null] } }),
  'an enum of numbers': withFields({ a: { type: 'integer', enum: [1, 2], default: 1 } }),
  defaults: withFields({ a: { type: 'number', default: 1.5 }, b: { type: 'boolean', default: true }, c: { default: { x: [1] } }, d: { ...string, default: null } }),
  quotes: withFields({ a: { ...string, enum: ['a"b', 'c\\d'], examples: ['e"f'] }, b: { ...string, default: 'g"h' } }),
  arrays: withFields({ a: { type: 'array' }, b: { type: 'array', items: string }, c: { type: 'array', items: { type: 'array', items: { type: 'integer' } } } }),
  'an array of described objects': withFields({ a: { type: 'array', items: { ...withFields({ b: string }), description: 'Inner.' } } }),
  'lists of types': withFields({ a: { type: ['string', 'null'] }, b: { type: ['integer', 'boolean'] }, c: { type: [] }, d: { type: ['object', 'null'] } }),
  nullable: withFields({ a: { ...string, nullable: true }, b: { type: ['string', 'null'], nullable: true }, c: { nullable: true }, d: { ...string, nullable: 'yes' } }),
  'nested objects': withFields({ a: { ...withFields({ b: { ...withFields({ c: string }), description: 'B.' } }, ['b']), description: 'A.' } }),
  'a union': withFields({ a: { oneOf: [{ ...string, description: 'S.', default: 'q' }, { type: 'number' }], description: 'A.', default: 'q', title: 'T', examples: ['e'] } }),
  'a union without description': withFields({ a: { oneOf: [{ ...string, description: 'S.' }, { type: 'number', description: 'N.' }] } }),
  'a union that repeats itself': withFields({ a: { oneOf: [{ ...string, description: 'A.' }, { type: 'number', description: 'A.' }], description: 'A.' } }),
  'a union of objects': withFields({ a: { oneOf: [{ ...withFields({ k: { ...string, description: 'K.' } }, ['k']), description: 'O.' }, { type: 'null' }], default: { k: 1 } } }, ['a']),
  'an empty union': withFields({ a: { oneOf: [], description: 'A.' } }),
  'a union that is none': withFields({ a: { ...string, oneOf: null, description: 'A.', default: 'q' } }),
  'a union in an array': withFields({ a: { type: 'array', items: { oneOf: [{ ...string, description: 'S.', default: 'q' }, { type: 'number' }] } } }),
  'a union in a union': withFields({ a: { oneOf: [{ oneOf: [string, { type: 'number' }] }, { type: 'array', items: string }] } }),
  'a union at the top': { oneOf: [{ ...string, enum: ['a'], default: 'a', nullable: true }, withFields({ z: { type: 'integer' } })] },
}; // prettier-ignore

const DESCRIPTIONS = [null, '', 'One line.', 'Two\nlines.', 'Ends in a line end.\n', '\n', 'DOS\r\nlines', ' spaces '];

const question: HarmonyMessage = { role: 'user', text: 'Go on.' };

function conversation(tools: readonly FunctionTool[], instructions: string | null): readonly HarmonyMessage[] {
  return [
    { role: 'system', effort: 'medium', date: '2026-03-01', hasFunctionTools: true },
    { role: 'developer', instructions, tools },
    question,
  ];
}

/** Conversations with tools, by what is special about them. */
export const TOOL_CASES: Readonly<Record<string, readonly HarmonyMessage[]>> = {
  ...Object.fromEntries(
    Object.entries(PARAMETERS).map(([name, parameters]) => [
      `tool: ${name}`,
      conversation([{ name: 'f', description: 'Does it.', parameters }], null),
    ]),
  ),
  ...Object.fromEntries(
    DESCRIPTIONS.map((description) => [
      `tool described as ${JSON.stringify(description)}`,
      conversation([{ name: 'f', description, parameters: null }], null),
    ]),
  ),
  'several tools and instructions': conversation(
    [
      {
        name: 'get_weather',
        description: 'Get the weather.',
        parameters: withFields({ location: string }, ['location']),
      },
      { name: 'ping', description: null, parameters: null },
    ],
    'Be brief.',
  ),
  'tools and empty instructions': conversation([{ name: 'f', description: null, parameters: null }], ''),
};
