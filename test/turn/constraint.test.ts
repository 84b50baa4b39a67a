import { describe, expect, it } from 'vitest';
import { outputRule, type OutputWish } from '../../src/turn/constraint.ts';

const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
const free = { name: 'free', parameters: schema, strict: false };
const strict = { name: 'strict', parameters: schema, strict: true };
const bare = { name: 'bare', parameters: null, strict: false };
const unholdable = { name: 'odd', parameters: { type: 'object', not: {} }, strict: false };

const wish = (changes: Partial<OutputWish>): OutputWish => ({
  functions: [],
  calls: 'auto',
  allowed: null,
  answer: { kind: 'text' },
  maxReasoningTokens: null,
  ...changes,
});
const text = { kind: 'text' };

describe('outputRule', () => {
  const unruled: readonly (readonly [title: string, changes: Partial<OutputWish>])[] = [
    ['plain text', {}],
    ['functions that are not strict', { functions: [free, bare, unholdable] }],
    ['no calls where none are offered', { calls: 'none' }],
    ['all functions allowed by name', { functions: [free], allowed: ['free'] }],
  ];
  it.each(unruled)('sends no grammar for %s', (_title, changes) => {
    expect(outputRule(wish(changes))).toBeNull();
  });

  const call = (name: string) => ({ name, schema });
  const rows: readonly (readonly [title: string, changes: Partial<OutputWish>, rule: object])[] = [
    [
      'a required call',
      { functions: [free, strict], calls: 'required' },
      { calls: [call('free'), call('strict')], answer: null },
    ],
    [
      'a named call',
      { functions: [free, strict], calls: 'required', allowed: ['free'] },
      { calls: [call('free')], answer: null },
    ],
    [
      'fewer functions than are offered',
      { functions: [free, strict], allowed: ['free'] },
      { calls: [call('free')], answer: text },
    ],
    ['no calls although functions are offered', { functions: [free], calls: 'none' }, { calls: [], answer: text }],
    ['a strict function', { functions: [strict] }, { calls: [call('strict')], answer: text }],
    [
      'a JSON object',
      { answer: { kind: 'json_object' } },
      { calls: [], answer: { kind: 'json', schema: { type: 'object' } } },
    ],
    [
      'a schema beside functions',
      { functions: [free], answer: { kind: 'json_schema', schema } },
      { calls: [call('free')], answer: { kind: 'json', schema } },
    ],
    ['a thinking budget', { maxReasoningTokens: 10 }, { calls: [], answer: text, maxReasoningTokens: 10 }],
    [
      'a required call without arguments',
      { functions: [bare], calls: 'required' },
      {
        calls: [{ name: 'bare', schema: { type: 'object', properties: {}, additionalProperties: false } }],
        answer: null,
      },
    ],
    [
      'a required call whose schema no grammar holds',
      { functions: [unholdable], calls: 'required' },
      { calls: [{ name: 'odd', schema: { type: 'object' } }], answer: null },
    ],
  ];
  it.each(rows)('holds %s', (_title, changes, rule) => {
    expect(outputRule(wish(changes))).toEqual({ maxReasoningTokens: null, ...rule });
  });
});
