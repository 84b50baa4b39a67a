import { describe, expect, test } from 'vitest';
import { inlineSchema } from '../../src/harmony/inline-schema.ts';
import type { JsonSchema } from '../../src/harmony/message.ts';
import { SchemaBudget } from '../../src/harmony/schema-budget.ts';
import { schemaType } from '../../src/harmony/schema-type.ts';

const string = { type: 'string' };
const place = { type: 'object', properties: { city: string }, required: ['city'] };

/** The schema of the field `a` after inlining, which must not have met a problem. */
function inlinedField(field: JsonSchema, definitions: JsonSchema = {}): unknown {
  const { schema, problems } = inlineSchema({ type: 'object', properties: { a: field }, $defs: definitions });
  expect(problems).toEqual([]);
  expect(Object.keys(schema)).toEqual(['type', 'properties']);
  return (schema['properties'] as JsonSchema)['a'];
}

test('a schema without references and combinations keeps all that the model is shown', () => {
  const schema = {
    type: 'object',
    description: 'D',
    properties: { a: { type: 'array', items: { oneOf: [string] } }, b: false, c: { enum: ['x'], default: null } },
    required: ['a'],
  };
  expect(inlineSchema({ ...schema, additionalProperties: false })).toEqual({ schema, problems: [] });
});

describe('a reference', () => {
  test('is replaced by its target, and what stands beside it wins', () => {
    const field = { $ref: '#/$defs/Place', description: 'Where.' };
    expect(inlinedField(field, { Place: { ...place, description: 'A place.' } })).toEqual({
      ...place,
      description: 'Where.',
    });
  });

  test.each([
    ['#/$defs/a~1b', { 'a/b': place }],
    ['#/$defs/a~0b', { 'a~b': place }],
    ['#/$defs/a%20b', { 'a b': place }],
    ['#/$defs/list/anyOf/1', { list: { anyOf: [string, place] } }],
  ])('finds %s', ($ref, definitions) => {
    expect(inlinedField({ $ref }, definitions)).toEqual(place);
  });

  test('leads on to further references, in fields, items and unions', () => {
    const definitions = {
      Trip: { type: 'array', items: { $ref: '#/$defs/Stop' } },
      Stop: { oneOf: [{ $ref: '#/$defs/Place' }] },
      Place: place,
    };
    expect(inlinedField({ $ref: '#/$defs/Trip' }, definitions)).toEqual({ type: 'array', items: { oneOf: [place] } });
  });

  test('may be used twice, as long as it is not within itself', () => {
    const schema = { properties: { a: { $ref: '#/$defs/P' }, b: { $ref: '#/$defs/P' } }, $defs: { P: place } };
    expect(inlineSchema(schema)).toEqual({ schema: { properties: { a: place, b: place } }, problems: [] });
  });

  test.each([
    ['#/nowhere', 'The reference #/nowhere leads to no schema.'],
    ['https://example.com/schema', 'The reference https://example.com/schema leads to no schema.'],
    ['#/$defs/toString', 'The reference #/$defs/toString leads to no schema.'],
    ['#/%', 'The reference #/% leads to no schema.'],
    ['#', 'The reference # is recursive.'],
    ['#/$defs/Loop', 'The reference #/$defs/Loop is recursive.'],
  ])('that cannot be followed is anything, and named: %s', ($ref, reason) => {
    const { schema, problems } = inlineSchema({
      properties: { a: { $ref } },
      $defs: { Loop: { $ref: '#/$defs/Loop' } },
    });
    expect(schema).toEqual({ properties: { a: {} } });
    expect(problems).toEqual([{ path: '#/properties/a', reason }]);
  });

  test('that is recursive further in keeps what is not', () => {
    const node = { type: 'object', properties: { name: string, next: { $ref: '#/$defs/Node' } } };
    expect(inlineSchema({ items: { $ref: '#/$defs/Node' }, $defs: { Node: node } })).toEqual({
      schema: { items: { type: 'object', properties: { name: string, next: {} } } },
      problems: [{ path: '#/items/properties/next', reason: 'The reference #/$defs/Node is recursive.' }],
    });
  });
});

describe('allOf', () => {
  test('adds up fields and required names; the first to say something else counts', () => {
    const field = {
      description: 'Own.',
      properties: { city: { description: 'C.' } },
      allOf: [
        { $ref: '#/$defs/Place' },
        { type: 'object', description: 'Other.', properties: { zip: string }, required: ['zip', 'city'] },
      ],
    };
    expect(inlinedField(field, { Place: place })).toEqual({
      description: 'Own.',
      type: 'object',
      properties: { city: { description: 'C.', type: 'string' }, zip: string },
      required: ['city', 'zip'],
    });
  });
});

describe('anyOf', () => {
  test.each<[string, JsonSchema, unknown]>([
    [
      'a type and null',
      { anyOf: [string, { type: 'null' }], default: null },
      { type: 'string', nullable: true, default: null },
    ],
    ['one type', { anyOf: [string], description: 'D' }, { type: 'string', description: 'D' }],
    ['two types', { anyOf: [string, place], description: 'D' }, { oneOf: [string, place], description: 'D' }],
    [
      'two types and null',
      { anyOf: [string, { type: 'null' }, place] },
      { oneOf: [string, place, { type: ['null'] }] },
    ],
    ['conditions beside a type', { ...place, anyOf: [{ required: ['a'] }, { required: ['b'] }] }, place],
    ['nothing', { description: 'D', anyOf: [] }, { description: 'D' }],
  ])('of %s', (_, field, inlined) => {
    expect(inlinedField(field)).toEqual(inlined);
  });
});

describe('a schema made to hurt', () => {
  const doubling = (levels: number, leaf: JsonSchema): JsonSchema => {
    const definitions = Array.from({ length: levels }, (_, level) => {
      const $ref = `#/$defs/L${level + 1}`;
      return [`L${level}`, { type: 'object', properties: { a: { $ref }, b: { $ref } } }];
    });
    return { $ref: '#/$defs/L0', $defs: { ...Object.fromEntries(definitions), [`L${levels}`]: leaf } };
  };
  const tooLarge = 'The schemas of this request are larger than any context.';

  test.each([
    ['in fields', 25, string],
    ['in characters', 12, { type: 'string', description: 'x'.repeat(8000) }],
  ])('that doubles with every reference ends in anything, by its size %s', (_, levels, leaf) => {
    const { schema, problems } = inlineSchema(doubling(levels, leaf));
    expect(new Set(problems.map(({ reason }) => reason))).toEqual(new Set([tooLarge]));
    expect(schemaType(schema).length).toBeLessThan(2_100_000);
  });

  test('shares what it may cost with the other schemas of its request', () => {
    const budget = new SchemaBudget();
    expect(inlineSchema(doubling(3, string), budget).problems).toEqual([]);
    inlineSchema(doubling(25, string), budget);
    expect(inlineSchema({ type: 'object', properties: { a: string } }, budget)).toEqual({
      schema: {},
      problems: [{ path: '#', reason: tooLarge }],
    });
  });

  const names = (count: number) => Array.from({ length: count }, (_, index) => `p${index}`);
  const fields = (count: number) => Object.fromEntries(names(count).map((name) => [name, {}]));
  test.each<[string, JsonSchema]>([
    ['many fields', { type: 'object', properties: fields(100_000) }],
    ['many required names', { type: 'object', properties: fields(40_000), required: names(40_000).reverse() }],
    ['many parts', { allOf: names(25_000).map((name) => ({ properties: { [name]: {} } })) }],
    [
      'many parts of one field',
      { allOf: names(18_000).map((name) => ({ properties: { a: { properties: { [name]: {} } } } })) },
    ],
    ['many variants', { oneOf: Array.from({ length: 300_000 }, () => ({})) }],
    [
      'a long pointer',
      { properties: Object.fromEntries(names(10).map((name) => [name, { $ref: '#' + '/%'.repeat(50_000) }])) },
    ],
    [
      'unknown keywords',
      {
        properties: Object.fromEntries(names(9000).map((name) => [name, { $ref: '#/$defs/K' }])),
        $defs: { K: fields(60_000) },
      },
    ],
  ])('with %s takes no time', (_, schema) => {
    const before = process.threadCpuUsage();
    schemaType(inlineSchema(schema).schema);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(500);
  });

  test('that is nested without end ends in anything', () => {
    let schema: JsonSchema = string;
    for (let depth = 0; depth < 5000; depth++) schema = { type: 'array', items: schema };
    expect(inlineSchema(schema).problems.map(({ reason }) => reason)).toEqual(['It is nested more than 64 deep.']);
  });

  test('with the name of a prototype is a schema like any other', () => {
    const schema = JSON.parse(
      '{"properties":{"__proto__":{"type":"string"},"constructor":{"type":"number"}}}',
    ) as JsonSchema;
    expect(JSON.stringify(inlineSchema(schema).schema)).toBe(JSON.stringify(schema));
  });
});
