import { describe, expect, it } from 'vitest';
import { checkNesting, validationError, withoutNulls } from '../../src/gateway/validation.ts';

describe('withoutNulls', () => {
  it('drops nulls of settings at every depth and leaves what belongs to the client alone', () => {
    const body = {
      instructions: null,
      reasoning: { effort: null, summary: 'auto' },
      metadata: { a: null },
      input: [{ status: null }],
      text: { format: { type: 'json_schema', schema: { default: null } } },
    };
    expect(withoutNulls(body)).toEqual({
      reasoning: { summary: 'auto' },
      metadata: { a: null },
      input: [{ status: null }],
      text: { format: { type: 'json_schema', schema: { default: null } } },
    });
  });

  it('leaves a body that is no object for the schema to judge', () => {
    expect([withoutNulls([null]), withoutNulls('x'), withoutNulls(null)]).toEqual([[null], 'x', null]);
  });
});

describe('checkNesting', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  it('takes 200 levels and refuses 201', () => {
    expect(() => checkNesting(nested(200))).not.toThrow();
    expect(() => checkNesting(nested(201))).toThrow('nested more than 200 levels');
  });

  it('refuses a depth at which walking through it would exhaust the stack', () => {
    expect(() => checkNesting(JSON.parse('['.repeat(200_000) + ']'.repeat(200_000)))).toThrow('nested more than');
  });
});

describe('validationError', () => {
  it('spells nested paths as clients do', () => {
    const error = validationError({
      keyword: 'type',
      instancePath: '/include/0',
      schemaPath: '',
      params: { type: 'string' },
      message: '',
    });
    expect(error).toMatchObject({
      param: 'include[0]',
      code: 'invalid_type',
      message: 'Invalid type for include[0]: expected a string.',
    });
  });
});
