import { describe, expect, it } from 'vitest';
import { structuralTag, type TagFormat } from '../../src/harmony/structural-tag.ts';

const schema = { type: 'object' };
const control = [199_998, 199_999, 200_002, 200_003, 200_005, 200_006, 200_007, 200_008, 200_012];

/** A format as one line, near to what it lets through. */
function spell(format: TagFormat): string {
  switch (format.type) {
    case 'const_string':
      return format.value;
    case 'any_tokens':
      expect(format.exclude_tokens).toEqual(control);
      return format.max_tokens === undefined ? '…' : `…${format.max_tokens}`;
    case 'json_schema':
      expect(format).toMatchObject({ max_whitespace_cnt: 1, excludes: ['<|'] });
      return JSON.stringify(format.json_schema);
    case 'tag':
      return (
        format.begin +
        spell(format.content) +
        (typeof format.end === 'string' ? format.end : `(${format.end.join('/')})`)
      );
    case 'sequence':
      return format.elements.map(spell).join('');
    case 'or':
      return `{${format.elements.map(spell).join(' or ')}}`;
    case 'star':
      return `[${spell(format.content)}]*`;
    case 'optional':
      return `[${spell(format.content)}]?`;
  }
}

const analysis = '<|channel|>analysis<|message|>…<|end|><|start|>assistant';
const preamble = '<|channel|>commentary<|message|>…<|end|><|start|>assistant';
const call = '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"type":"object"}(<|end|>/)';
const json = '<|channel|>final <|constrain|>json<|message|>{"type":"object"}(<|end|>/)';
const final = '<|channel|>final<|message|>…(<|end|>/)';
const calls = [{ name: 'f', schema }];

describe('structuralTag', () => {
  it.each([
    ['a required call', { maxReasoningTokens: null, calls, answer: null }, `[{${analysis} or ${preamble}}]*${call}`],
    [
      'a call or an answer',
      { maxReasoningTokens: null, calls, answer: { kind: 'text' } },
      `[{${analysis} or ${preamble}}]*{${call} or ${final}}`,
    ],
    [
      'a call or JSON',
      { maxReasoningTokens: null, calls, answer: { kind: 'json', schema } },
      `[{${analysis} or ${preamble}}]*{${call} or ${json}}`,
    ],
    ['an answer alone', { maxReasoningTokens: null, calls: [], answer: { kind: 'text' } }, `[${analysis}]*${final}`],
    ['JSON alone', { maxReasoningTokens: null, calls: [], answer: { kind: 'json', schema } }, `[${analysis}]*${json}`],
    [
      'a budget',
      { maxReasoningTokens: 7, calls: [], answer: { kind: 'text' } },
      `[${analysis.replace('…', '…7')}]?${final}`,
    ],
    [
      'a budget beside calls',
      { maxReasoningTokens: 7, calls, answer: { kind: 'text' } },
      `[${analysis.replace('…', '…7')}]?[${preamble}]*{${call} or ${final}}`,
    ],
    ['no thinking', { maxReasoningTokens: 0, calls: [], answer: { kind: 'text' } }, final],
  ] as const)('spells %s', (_title, rule, spelled) => {
    expect(spell(structuralTag(rule).format)).toBe(spelled);
  });

  const opened = '…<|end|><|start|>assistant';
  const both = { maxReasoningTokens: null, calls, answer: { kind: 'text' } } as const;
  it.each([
    ['a thought', both, 'analysis', `${opened}[{${analysis} or ${preamble}}]*{${call} or ${final}}`],
    ['a preamble', { ...both, answer: null }, 'commentary', `${opened}[{${analysis} or ${preamble}}]*${call}`],
    [
      'a preamble after a limited thought',
      { ...both, maxReasoningTokens: 7 },
      'commentary',
      `${opened}[${preamble}]*{${call} or ${final}}`,
    ],
    ['an answer', both, 'final', '…(<|end|>/)'],
  ] as const)('goes on in the middle of %s', (_title, rule, open, spelled) => {
    expect(spell(structuralTag(rule, open).format)).toBe(spelled);
  });
});
