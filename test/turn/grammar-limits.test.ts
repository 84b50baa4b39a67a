import { describe, expect, it } from 'vitest';
import { grammarProblem } from '../../src/turn/grammar-limits.ts';
import { GRAMMAR_CASES } from '../support/grammar-cases/all.ts';

const text = { type: 'string' };
const nested = (depth: number): object =>
  depth === 0 ? text : { type: 'object', properties: { a: nested(depth - 1) }, required: ['a'] };
const closed = (count: number, required: readonly string[]): object => ({
  type: 'object',
  properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, text])),
  required,
  additionalProperties: false,
});

describe('what a grammar can hold', () => {
  it.each(GRAMMAR_CASES)('$grammar: $name', ({ schema, path }) => {
    expect(grammarProblem(schema)?.path ?? null).toBe(path);
  });

  it('says what is wrong, where, and what to write instead', () => {
    expect(grammarProblem({ anyOf: [{ type: 'string', maxLength: 12 }, { type: 'null' }] })).toEqual({
      path: 'anyOf[0].maxLength',
      reason: 'the grammar does not count the characters of a string.',
      remedy: 'Use "pattern": "^[^<]{0,12}$".',
    });
    expect(grammarProblem({ type: 'string', minLength: 400 })).toEqual({
      path: 'minLength',
      reason: 'the grammar does not count the characters of a string.',
      remedy: 'Leave it out and state the length in the description.',
    });
    expect(grammarProblem({ $ref: '#/$defs/none' })).toEqual({
      path: '$ref',
      reason: 'the schema has nothing at #/$defs/none.',
    });
  });

  it('recommends patterns that it takes', () => {
    for (const pattern of ['^[^<]{0,16}$', '^[^<]{1,}$', '^abc.*$']) {
      expect(grammarProblem({ type: 'string', pattern })).toBeNull();
    }
  });

  it('says how long a schema would compile, at the dearest place', () => {
    const pattern = '^[^<]{1,120}$';
    expect(grammarProblem({ type: 'object', properties: { a: text, b: { ...text, pattern } } })).toEqual({
      path: 'properties.b.pattern',
      reason: 'the engine would take about 4 s to compile this schema, most of it here.',
      remedy: 'Make it smaller: fewer properties, alternatives or repeats.',
    });
  });

  it.each([
    ['repeats of anything', 25, 35, (count: number) => ({ ...text, pattern: `^[^<]{1,${count}}$` })],
    ['optional classes', 15, 25, (count: number) => ({ ...text, pattern: `^${'[a-z]?'.repeat(count)}$` })],
    [
      'properties',
      400,
      420,
      (count: number) =>
        closed(
          count,
          [...Array(count).keys()].map((index) => `p${index}`),
        ),
    ],
    ['optional properties', 110, 130, (count: number) => closed(count, [])],
  ])('draws the line for %s at about a second', (_, taken, refused, make) => {
    expect(grammarProblem(make(taken))).toBeNull();
    expect(grammarProblem(make(refused))?.reason).toMatch(/about 1 s to compile/);
  });

  it('counts a pattern once that stands in several places', () => {
    const some = (count: number, pattern: (index: number) => string): object => ({
      type: 'array',
      prefixItems: Array.from({ length: count }, (_, index) => ({ ...text, pattern: pattern(index) })),
    });
    expect(grammarProblem(some(10, () => '^[^<]{1,10}$'))).toBeNull();
    expect(grammarProblem(some(10, (index) => `^[^<]{1,10}${index}$`))?.path).toBe('prefixItems[0].pattern');
  });

  it('refuses what nests deeper than the engine takes, annotations included', () => {
    expect(grammarProblem(nested(31))).toBeNull();
    expect(grammarProblem(nested(32))).toEqual({
      path: Array.from({ length: 32 }, () => 'properties.a').join('.'),
      reason: 'objects and lists nest more than 64 deep.',
      remedy: 'Flatten it, with $defs and $ref where it helps.',
    });
    expect(grammarProblem({ ...text, examples: [nested(40)] })?.reason).toBe(
      'objects and lists nest more than 64 deep.',
    );
  });

  it('ends on schemas that run in circles or are too large to look at', () => {
    const circle: Record<string, unknown> = { type: 'object' };
    circle['properties'] = { a: circle };
    const tooLarge = { path: '', reason: 'it has more than 20,000 values.', remedy: 'Make it smaller.' };
    expect(grammarProblem(circle)?.reason).toBe('objects and lists nest more than 64 deep.');
    expect(grammarProblem({ anyOf: Array.from({ length: 200 }, () => circle) })?.path).toContain('anyOf[199]');
    expect(grammarProblem({ enum: Array.from({ length: 20_000 }, (_, index) => index) })).toEqual(tooLarge);
    expect(grammarProblem({ enum: Array.from({ length: 2_000 }, (_, index) => index) })).toBeNull();
  });

  it('follows thousands of references that lead to each other', () => {
    const links = Array.from(
      { length: 2_000 },
      (_, index) => [`d${index}`, { $ref: `#/$defs/d${index + 1}` }] as const,
    );
    const chain = { $defs: { ...Object.fromEntries(links), d2000: { type: 'integer' } }, $ref: '#/$defs/d0' };
    expect(grammarProblem(chain)).toBeNull();
    // What stands at the end of so many is not looked up: too strict rather than too slow.
    expect(grammarProblem({ type: 'integer', ...chain })?.path).toBe('type');
    const doubling = links.map(([name, link]) => [name, { anyOf: [link, link] }] as const);
    const wide = { $defs: { ...Object.fromEntries(doubling), d2000: { not: {} } }, $ref: '#/$defs/d0' };
    expect(grammarProblem(wide)?.path).toBe('$defs.d2000.not');
  });

  it.each([null, 5, 'string', [], undefined])('takes no %j for a schema', (schema) => {
    expect(grammarProblem(schema)).toEqual({ path: '', reason: 'a schema must be an object, true or false.' });
  });

  it('reads keys that objects have by nature as keys', () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string","not":{}},"constructor":true}}',
    );
    expect(grammarProblem(schema)?.path).toBe('properties.__proto__.not');
    expect(grammarProblem({ type: 'object', properties: {}, required: ['toString'] })?.path).toBe('required[0]');
    expect(grammarProblem({ $ref: '#/constructor' })?.path).toBe('$ref');
  });
});
