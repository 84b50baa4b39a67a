import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { describe, expect, it } from 'vitest';
import { grammarProblem } from '../../src/turn/grammar-limits.ts';
import { jsonProblem } from '../../src/turn/json-check.ts';
import { GRAMMAR_CASES } from '../support/grammar-cases/all.ts';

const HELD = GRAMMAR_CASES.filter(({ path }) => path === null);
const VALUES = [...new Set(GRAMMAR_CASES.flatMap(({ valid = [], invalid = [] }) => [...valid, ...invalid]))];
const person = {
  type: 'object',
  properties: {
    name: { type: 'string', pattern: '^[A-Z][a-z]+$' },
    age: { type: 'integer', minimum: 0 },
    mail: { type: ['string', 'null'], format: 'email' },
    tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 2 },
  },
  required: ['name'],
  additionalProperties: false,
};

/** A schema of a few hundred bytes whose naive evaluation takes 2^30 steps. */
const doubling = {
  $defs: {
    ...Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => {
        const next = { $ref: `#/$defs/d${index + 1}` };
        return [`d${index}`, { anyOf: [next, next] }];
      }),
    ),
    d30: { type: 'integer' },
  },
  $ref: '#/$defs/d0',
};

/** Some patterns that the grammar takes are none in V8's Unicode mode. */
const regExp = Object.assign(
  (pattern: string) => {
    try {
      return new RegExp(pattern, 'u');
    } catch {
      return new RegExp(pattern);
    }
  },
  { code: 'regExp' },
);

function elapsedMs(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

describe('the check of what came back', () => {
  it.each([
    ['{"name":"Ada","age":3,"mail":null,"tags":["a"]}', null],
    ['', 'it is empty.'],
    [' \n', 'it is empty.'],
    ['{"name":"Ada"', 'it is not valid JSON.'],
    ['{"name":"Ada"} {}', 'it is not valid JSON.'],
    ['[]', 'it must be object.'],
    ['{"age":3}', 'it must have the property "name".'],
    ['{"name":"ada"}', '`name` must match ^[A-Z][a-z]+$.'],
    ['{"name":"Ada","age":1.5}', '`age` must be integer.'],
    ['{"name":"Ada","age":-1}', '`age` must be at least 0.'],
    ['{"name":"Ada","mail":"x"}', '`mail` must have the format email.'],
    ['{"name":"Ada","mail":1}', '`mail` must be string or null.'],
    ['{"name":"Ada","tags":["a","c"]}', '`tags[1]` must be one of the allowed values.'],
    ['{"name":"Ada","tags":["a","a","b"]}', '`tags` must have at most 2 elements.'],
    ['{"name":"Ada","size":1}', '`size` must not be there.'],
  ])('says of %s: %s', (text, problem) => {
    expect(jsonProblem(person, text)).toBe(problem);
  });

  it.each(HELD)('takes the valid values and no others: $name', ({ schema, valid = [], invalid = [] }) => {
    expect(valid.map((value) => jsonProblem(schema, JSON.stringify(value)))).toEqual(valid.map(() => null));
    expect(invalid.filter((value) => jsonProblem(schema, JSON.stringify(value)) === null)).toEqual([]);
  });

  it('agrees with Ajv on every schema that a grammar holds, over every value of the table', () => {
    const compared = HELD.map(({ name, schema }) => {
      const ajv = new Ajv2020({
        strict: false,
        logger: false,
        validateSchema: false,
        code: { regExp },
        formats: fullFormats,
      });
      const validate = ajv.compile(schema as object | boolean);
      const differing = VALUES.filter(
        (value) => validate(value) !== (jsonProblem(schema, JSON.stringify(value)) === null),
      );
      return { name, differing };
    });
    expect(VALUES.length).toBeGreaterThan(100);
    expect(compared.filter(({ differing }) => differing.length > 0)).toEqual([]);
  });

  it('asks only for JSON where the schema is no schema, or says what a grammar cannot hold', () => {
    const circle: Record<string, unknown> = { type: 'object' };
    circle['properties'] = { a: circle };
    for (const schema of [{ type: 'nope' }, { not: {} }, { $ref: '#' }, circle, undefined, null, 5]) {
      expect(jsonProblem(schema, '"anything"')).toBeNull();
      expect(jsonProblem(schema, 'nothing')).toBe('it is not valid JSON.');
    }
    expect(jsonProblem(true, '5')).toBeNull();
    expect(jsonProblem({ type: 'object' }, '[]')).toBe('it must be object.');
  });

  it('reads names that objects have by nature as names', () => {
    const schema = { type: 'object', properties: { constructor: { type: 'string' } }, required: ['constructor'] };
    expect(jsonProblem(schema, '{}')).toBe('it must have the property "constructor".');
    expect(jsonProblem({ type: 'object', additionalProperties: { type: 'integer' } }, '{"__proto__":"x"}')).toBe(
      '`__proto__` must be integer.',
    );
    expect(jsonProblem({ const: {} }, '{"__proto__":1}')).toBe('it must be one of the allowed values.');
  });

  it('gives up on schemas that ask for exponential work', () => {
    expect(grammarProblem(doubling)).toBeNull();
    expect(elapsedMs(() => expect(jsonProblem(doubling, '"x"')).toBeNull())).toBeLessThan(2_000);
    expect(jsonProblem(doubling, '1')).toBeNull();
  });

  it('judges patterns that make a backtracking matcher hang', () => {
    const schema = { type: 'string', pattern: '^(a+)+$' };
    const text = JSON.stringify(`${'a'.repeat(50_000)}b`);
    expect(grammarProblem(schema)).toBeNull();
    expect(elapsedMs(() => expect(jsonProblem(schema, text)).toBe('it must match ^(a+)+$.'))).toBeLessThan(2_000);
  });

  it('stands answers that nest without end', () => {
    const text = '{"a":'.repeat(50_000) + '1' + '}'.repeat(50_000);
    const schema = { type: 'object', properties: { a: { anyOf: [{ $ref: '#' }, { type: 'null' }] } } };
    expect(jsonProblem(schema, text)).toBeNull();
  });
});
