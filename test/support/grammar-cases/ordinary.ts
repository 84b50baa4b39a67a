import { closed, held, list, nothing, number, open, text, whole, type GrammarCase } from './case.ts';

const node = closed({ value: whole, children: { type: 'array', items: { $ref: '#/$defs/node' } } });
const chain = closed({ value: whole, next: { anyOf: [{ $ref: '#' }, nothing] } });
const cat = closed({ kind: { const: 'cat' }, lives: whole });
const dog = closed({ kind: { const: 'dog' }, tricks: { type: 'array', items: text } });

/** Ordinary schemas: what clients and their schema generators send. */
export const ORDINARY: readonly GrammarCase[] = [
  held('string', text, { valid: ['a', '', 'naïve 🙂'], invalid: [1, null, []] }),
  held('integer', whole, { valid: [0, -5, 12], invalid: [1.5, '1'] }),
  held('number', number, { valid: [0, -1.5, 2e-5], invalid: ['1'] }),
  held('boolean', { type: 'boolean' }, { valid: [true, false], invalid: [0, null] }),
  held('null', nothing, { valid: [null], invalid: [0, ''] }),
  held('list of types', { type: ['string', 'null'] }, { valid: ['a', null], invalid: [1] }),
  held('any value', {}, { valid: [1, 'a', null, [1], { a: 1 }] }),
  held('true', true, { valid: [1, 'a', { a: 1 }] }),
  held('any object', { type: 'object' }, { valid: [{}, { a: [1] }], invalid: [1, []] }),
  held('strict object', closed({ a: text, b: whole }), {
    valid: [{ a: 'x', b: 1 }],
    invalid: [{ a: 'x' }, { a: 'x', b: 1, c: 2 }, { a: 1, b: 1 }],
  }),
  held('optional properties', open({ properties: { a: text, b: whole }, additionalProperties: false }), {
    valid: [{}, { a: 'x' }, { b: 1 }, { a: 'x', b: 1 }],
    invalid: [{ c: 1 }],
  }),
  held('object without type', { properties: { a: whole }, required: ['a'] }, { valid: [{ a: 1 }], invalid: [{}] }),
  held('no properties', closed({}), { valid: [{}], invalid: [{ a: 1 }] }),
  held('other properties', open({ properties: { a: text }, required: ['a'], additionalProperties: true }), {
    valid: [{ a: 'x' }, { a: 'x', z: [1] }],
    invalid: [{ a: 1 }, { z: 1 }],
  }),
  held('other properties with a schema', open({ properties: { a: text }, additionalProperties: whole }), {
    valid: [{ a: 'x', z: 1 }],
    invalid: [{ a: 'x', z: 'y' }],
  }),
  held('map', open({ additionalProperties: whole }), { valid: [{}, { z: 1 }], invalid: [{ z: 'y' }] }),
  held('nested objects', closed({ a: closed({ b: closed({ c: whole }) }) }), {
    valid: [{ a: { b: { c: 1 } } }],
    invalid: [{ a: { b: {} } }],
  }),
  held('annotations', {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://example.org/a',
    $comment: 'c',
    title: 't',
    description: 'd',
    default: 1,
    examples: [1],
    deprecated: true,
    readOnly: true,
    'x-note': 'n',
    ...whole,
  }),
  held('enum', { type: 'string', enum: ['a', 'b'] }, { valid: ['a', 'b'], invalid: ['c'] }),
  held(
    'enum of several types',
    { enum: ['a', 1, null, true, { x: [1, 'y'] }] },
    {
      valid: ['a', 1, null, true, { x: [1, 'y'] }],
      invalid: ['b', 2, { x: [1] }],
    },
  ),
  held('enum with escapes', { enum: ['a"b\\', 'é\n'] }, { valid: ['a"b\\', 'é\n'], invalid: ['x'] }),
  held('const', { type: 'string', const: 'a' }, { valid: ['a'], invalid: ['b'] }),
  held('const of an object', { const: { a: { b: [1, 'x'] } } }, { valid: [{ a: { b: [1, 'x'] } }], invalid: [{}] }),
  held('anyOf', { anyOf: [text, nothing] }, { valid: ['a', null], invalid: [1] }),
  held(
    'anyOf of objects',
    { anyOf: [cat, dog], discriminator: { propertyName: 'kind' } },
    {
      valid: [
        { kind: 'cat', lives: 9 },
        { kind: 'dog', tricks: ['sit'] },
      ],
      invalid: [{ kind: 'cat', tricks: [] }],
    },
  ),
  held('anyOf beside the type of its branches', { type: 'object', anyOf: [cat, dog] }, { invalid: ['cat'] }),
  held('oneOf of different types', { oneOf: [text, nothing] }, { valid: ['a', null], invalid: [1] }),
  held(
    'oneOf with a discriminator',
    { $defs: { cat, dog }, oneOf: [{ $ref: '#/$defs/cat' }, { $ref: '#/$defs/dog' }] },
    {
      valid: [{ kind: 'cat', lives: 9 }],
      invalid: [{ kind: 'dog', lives: 9 }],
    },
  ),
  held('oneOf of constants', { oneOf: [{ const: 'a', title: 'A' }, { const: 'b' }] }, { valid: ['b'], invalid: ['c'] }),
  held(
    'oneOf of objects with other keys',
    { oneOf: [closed({ a: whole }), closed({ b: whole })] },
    {
      valid: [{ a: 1 }],
      invalid: [{ a: 1, b: 1 }, {}],
    },
  ),
  held(
    'allOf around a reference',
    { $defs: { x: { enum: ['a'] } }, ...closed({ p: { allOf: [{ $ref: '#/$defs/x' }], default: 'a' } }) },
    {
      valid: [{ p: 'a' }],
      invalid: [{ p: 'b' }],
    },
  ),
  held(
    '$ref',
    { $defs: { x: whole }, ...closed({ a: { $ref: '#/$defs/x', description: 'd' } }) },
    {
      valid: [{ a: 1 }],
      invalid: [{ a: 'x' }],
    },
  ),
  held('$ref to definitions', { definitions: { 'L[int]': whole }, ...closed({ a: { $ref: '#/definitions/L[int]' } }) }),
  held('$ref to a property', closed({ a: whole, b: { $ref: '#/properties/a' } }), { invalid: [{ a: 1, b: 'x' }] }),
  held(
    'recursion through a list',
    { $defs: { node }, $ref: '#/$defs/node' },
    {
      valid: [{ value: 1, children: [{ value: 2, children: [] }] }],
      invalid: [{ value: 1, children: [{ value: 'x', children: [] }] }],
    },
  ),
  held('recursion through null', chain, {
    valid: [{ value: 1, next: { value: 2, next: null } }],
    invalid: [{ value: 1, next: { value: 'x', next: null } }],
  }),
  held('what no value can reach', { $defs: { x: { not: {} } }, ...closed({ a: whole }) }, { valid: [{ a: 1 }] }),
  held('array', list(), { valid: [[], [1, 2]], invalid: [['a'], 1] }),
  held('array of anything', { type: 'array' }, { valid: [[], [1, 'a']], invalid: [1] }),
  held('array without type', { items: whole, minItems: 2 }, { valid: [[1, 2]], invalid: [['a', 'b'], [1]] }),
  held('minItems and maxItems', list({ minItems: 1, maxItems: 2 }), { valid: [[1], [1, 2]], invalid: [[], [1, 2, 3]] }),
  held(
    'tuple',
    { type: 'array', prefixItems: [whole, text], items: false, minItems: 2 },
    {
      valid: [[1, 'a']],
      invalid: [['a', 1], [1], [1, 'a', 2]],
    },
  ),
  held(
    'tuple with more',
    { type: 'array', prefixItems: [whole], items: text },
    { valid: [[1, 'a']], invalid: [[1, 2]] },
  ),
  held(
    'tuple with unevaluatedItems',
    { type: 'array', prefixItems: [whole], unevaluatedItems: false },
    {
      valid: [[1]],
      invalid: [[1, 2]],
    },
  ),
  held(
    'range of integers',
    { type: 'integer', minimum: 3, maximum: 120 },
    { valid: [3, 50, 120], invalid: [2, 121, -4] },
  ),
  held(
    'exclusive range of integers',
    { type: ['integer', 'null'], exclusiveMinimum: 3, exclusiveMaximum: 6 },
    {
      valid: [4, 5, null],
      invalid: [3, 6],
    },
  ),
  held(
    'range of numbers',
    { type: 'number', minimum: -0.25, exclusiveMaximum: 1.75 },
    {
      valid: [-0.25, 0, 1.7],
      invalid: [-0.26, 1.75, 2],
    },
  ),
  held('multipleOf of an integer', { type: 'integer', multipleOf: 7 }, { valid: [0, 7, -14], invalid: [1, 8] }),
  held('limits that say nothing', { type: ['string', 'array'], minLength: 0, items: {}, minItems: 0, required: [] }),
  held('limits of other types', { type: 'string', minimum: 3, maxItems: 2 }, { valid: ['a'], invalid: [4] }),
  held('unevaluatedProperties', open({ properties: { a: whole }, unevaluatedProperties: false }), {
    valid: [{ a: 1 }],
    invalid: [{ a: 1, b: 1 }],
  }),
  held(
    'properties counted',
    open({
      properties: { a: whole, b: whole, c: whole },
      additionalProperties: false,
      minProperties: 2,
      maxProperties: 2,
    }),
    {
      valid: [{ a: 1, c: 1 }],
      invalid: [{ a: 1 }, { a: 1, b: 1, c: 1 }],
    },
  ),
  held('a map that is not empty', open({ additionalProperties: whole, minProperties: 1, maxProperties: 2 }), {
    valid: [{ a: 1 }],
    invalid: [{}, { a: 1, b: 1, c: 1 }],
  }),
  held('propertyNames', open({ propertyNames: { pattern: '^a+$' }, additionalProperties: whole }), {
    valid: [{}, { aa: 1 }],
    invalid: [{ b: 1 }, { a: 'x' }],
  }),
  held('propertyNames with enum', open({ propertyNames: { enum: ['a', 'b'] }, additionalProperties: whole }), {
    valid: [{ a: 1 }],
    invalid: [{ c: 1 }],
  }),
  held('patternProperties', open({ patternProperties: { '^a+$': whole }, additionalProperties: false }), {
    valid: [{}, { aa: 1 }],
    invalid: [{ b: 1 }, { a: 'x' }],
  }),
];
