import { describe, expect, it } from 'vitest';
import { outputRule } from '../../src/turn/constraint.ts';
import { grammarSchema } from '../../src/turn/grammar-schema.ts';

const spelling = (pattern: string): unknown => grammarSchema({ type: 'string', pattern })['pattern'];

describe('a schema as the grammar is given it', () => {
  it.each([
    ['^[a-z]+$', '^(?:[a-z]+)$'],
    ['^a|b$', '^(?:a[^<]*|[^<]*b)$'],
    ['', '^(?:[^<]*[^<]*)$'],
    ['^(?<year>\\d{4})(-\\d+)?$', '^(?:(?:\\d{4})(?:\\-\\d+){0,1})$'],
    ['^a*?b??c{2,3}?$', '^(?:a*b?c{2,3})$'],
    ['^.[^,]\\S[^]$', '^(?:[^<][^,<][^\\s<][^<])$'],
    ['^[ -~]$', '^(?:[ -!#-;=-\\[\\]-~])$'],
    ['^[<>]é🙂$', '^(?:[<>]\\u00e9\\u{1f642})$'],
    ['^a]}$', '^(?:a\\]\\})$'],
    ['^(a|)(){2}$', '^(?:(?:a|))$'],
  ])('spells %s as %s', (pattern, expected) => {
    expect(spelling(pattern)).toBe(expected);
  });

  it('changes regular expressions where they are some, and nothing else', () => {
    const data = { pattern: 'a' };
    const schema = {
      type: 'object',
      properties: { pattern: { type: 'string', pattern: 'a', description: 'pattern' }, plain: true },
      patternProperties: { '^x': { anyOf: [{ type: 'string', pattern: '^a$' }, { enum: [data] }] } },
      propertyNames: { pattern: '^a$' },
      default: data,
      $defs: { pattern: { const: data } },
    };
    expect(grammarSchema(schema)).toEqual({
      type: 'object',
      properties: { pattern: { type: 'string', pattern: '^(?:[^<]*a[^<]*)$', description: 'pattern' }, plain: true },
      patternProperties: { '^(?:x[^<]*)$': { anyOf: [{ type: 'string', pattern: '^(?:a)$' }, { enum: [data] }] } },
      propertyNames: { pattern: '^(?:a)$' },
      default: data,
      $defs: { pattern: { const: data } },
    });
  });

  it('is what a turn holds its output to', () => {
    const schema = { type: 'string', pattern: '^a' };
    const rule = outputRule({
      functions: [{ name: 'f', parameters: schema, strict: true }],
      calls: 'auto',
      allowed: null,
      answer: { kind: 'json_schema', schema },
      maxReasoningTokens: null,
    });
    const held = { type: 'string', pattern: '^(?:a[^<]*)$' };
    expect(rule).toEqual({
      maxReasoningTokens: null,
      calls: [{ name: 'f', schema: held }],
      answer: { kind: 'json', schema: held },
    });
  });
});
