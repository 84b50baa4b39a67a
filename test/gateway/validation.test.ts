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
  const verdict = (keyword: string, instancePath: string, params: Record<string, unknown>) => ({
    keyword,
    instancePath,
    schemaPath: '',
    params,
    message: '',
  });
  const notText = verdict('type', '/stop', { type: 'string' });
  const union = verdict('anyOf', '/stop', {});

  it('spells nested paths as clients do', () => {
    expect(validationError([verdict('type', '/include/0', { type: 'string' })])).toMatchObject({
      param: 'include[0]',
      code: 'invalid_type',
      message: 'Invalid type for include[0]: expected a string.',
    });
  });

  it('names all types where several are allowed and none was sent', () => {
    const notList = verdict('type', '/stop', { type: 'array' });
    expect(validationError([notText, notList, union])).toMatchObject({
      param: 'stop',
      code: 'invalid_type',
      message: 'Invalid type for stop: expected a string or an array.',
    });
  });

  it('says what is wrong with the one of several allowed types that was sent', () => {
    expect(validationError([notText, verdict('maxItems', '/stop', { limit: 16 }), union])).toMatchObject({
      param: 'stop',
      message: 'stop has more than 16 elements.',
    });
    const notTexts = verdict('type', '/stop/1', { type: 'string' });
    expect(validationError([notText, notTexts, union])).toMatchObject({
      param: 'stop[1]',
      message: 'Invalid type for stop[1]: expected a string.',
    });
  });

  it('names a field that nobody knows', () => {
    const unknown = verdict('additionalProperties', '/limits', { additionalProperty: 'requests' });
    expect(validationError([unknown])).toMatchObject({
      param: 'limits.requests',
      message: 'Unknown parameter: limits.requests.',
    });
  });
});
