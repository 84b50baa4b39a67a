import { describe, expect, it } from 'vitest';
import { smallestInstance } from '../../src/sim/json-instance.ts';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2 },
    age: { type: 'integer', minimum: 18 },
    score: { type: 'number', exclusiveMaximum: 0 },
    kind: { enum: ['a', 'b'] },
    tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 2 },
    maybe: { type: ['null', 'string'] },
    either: { anyOf: [{ type: 'boolean' }, { type: 'string' }] },
    optional: { type: 'string' },
  },
  required: ['name', 'age', 'score', 'kind', 'tags', 'maybe', 'either'],
  $defs: { tag: { type: 'object', properties: { id: { const: 7 } }, required: ['id'] } },
};

describe('the smallest instance', () => {
  it('has what is required and nothing more', () => {
    expect(smallestInstance(schema, undefined)).toEqual({
      name: 'aa',
      age: 18,
      score: -1,
      kind: 'a',
      tags: [{ id: 7 }, { id: 7 }],
      maybe: null,
      either: false,
    });
  });

  it('takes what is wished where its type fits, and nothing that the schema does not know', () => {
    const wish = { name: 'Ada', age: 'old', kind: 'b', optional: 'x', stranger: 1 };
    expect(smallestInstance(schema, wish)).toMatchObject({ name: 'Ada', age: 18, kind: 'b', optional: 'x' });
    expect(smallestInstance(schema, wish)).not.toHaveProperty('stranger');
  });

  it('of any object or any value is what is wished, or empty', () => {
    expect([smallestInstance({ type: 'object' }, { a: 1 }), smallestInstance({ type: 'object' }, 3)]).toEqual([
      { a: 1 },
      {},
    ]);
    expect([smallestInstance(true, { a: 1 }), smallestInstance(true, undefined)]).toEqual([{ a: 1 }, null]);
  });

  it('ends for a schema that requires itself', () => {
    const endless = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] };
    expect(JSON.stringify(smallestInstance(endless, undefined))).toMatch(/^\{"next":\{"next":/);
  });
});
