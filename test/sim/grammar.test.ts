import { describe, expect, it } from 'vitest';
import { structuralTag, type FreeText, type OutputRule } from '../../src/harmony/structural-tag.ts';
import { completeTokens } from '../../src/sim/completion.ts';
import { readGrammar } from '../../src/sim/grammar.ts';
import { opening, promptOf, readOutput } from '../support/converse.ts';
import { vocabulary } from '../support/vocabulary.ts';

const WEATHER = {
  name: 'get_weather',
  schema: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
};
const PERSON = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
};
const FREE: OutputRule = { maxReasoningTokens: null, calls: [], answer: { kind: 'text' } };

const RULES: readonly OutputRule[] = [
  FREE,
  { maxReasoningTokens: 10, calls: [], answer: { kind: 'text' } },
  { maxReasoningTokens: 0, calls: [WEATHER], answer: null },
  { maxReasoningTokens: null, calls: [WEATHER, { name: 'other-1', schema: true }], answer: { kind: 'text' } },
  { maxReasoningTokens: 5, calls: [WEATHER], answer: { kind: 'json', schema: PERSON } },
];

/** What the world says under a rule, message by message. */
function said(question: string, rule: Partial<OutputRule>, weatherArgument?: 'location'): string[] {
  const setting = weatherArgument === undefined ? { effort: 'high' as const } : { weatherArgument };
  const prompt = promptOf([...opening(setting), { role: 'user', text: question }]);
  return readOutput(completeTokens(vocabulary, prompt, { ...FREE, ...rule })).map(
    ({ channel, recipient, contentType, text, how }) =>
      `${[channel, recipient, contentType].filter((part) => part !== null).join(' ')}: ${text} (${how})`,
  );
}

describe('a structural tag', () => {
  it.each(RULES)('is read back as the rule that it was made of: %j', (rule) => {
    expect(readGrammar(JSON.stringify(structuralTag(rule)))).toEqual({ kind: 'rule', rule });
  });

  it('that begins in the middle is read back as what may follow', () => {
    const rule: OutputRule = { maxReasoningTokens: null, calls: [WEATHER], answer: { kind: 'json', schema: PERSON } };
    const read = (open: FreeText) => readGrammar(JSON.stringify(structuralTag(rule, open)));
    expect(read('analysis')).toEqual({ kind: 'rule', rule });
    expect(read('final')).toEqual({ kind: 'rule', rule: FREE });
  });

  it.each(['{', '{}', '{"type":"structural_tag","format":{"type":"bogus"}}', '{"format":{"type":"any_tokens"}}'])(
    'is invalid: %s',
    (text) => expect(readGrammar(text)).toEqual({ kind: 'invalid' }),
  );

  it.each([
    [{ type: 'nonsense' }, 'invalid'],
    [{ type: 'string', pattern: '^[a-z]{1,400}$' }, 'too_large'],
    [{ type: 'string', pattern: '^[a-z]{1,100}$' }, 'rule'],
  ])('with the schema %j is %s', (schema, kind) => {
    const tag = structuralTag({ ...FREE, answer: { kind: 'json', schema } });
    expect(readGrammar(JSON.stringify(tag)).kind).toBe(kind);
  });
});

describe('the world under a rule', () => {
  it.each([
    ['in a thought', 'analysis', 12, {}],
    ['in an answer', 'final', -4, {}],
    ['in an answer after a limited thought', 'final', -4, { maxReasoningTokens: 9 }],
  ] as const)('goes on where it was interrupted %s', (_, open, at, changes) => {
    const prompt = promptOf([...opening({ effort: 'high' }), { role: 'user', text: 'Why is the sky blue?' }]);
    const rule = { ...FREE, ...changes };
    const whole = completeTokens(vocabulary, prompt, rule);
    const grammar = readGrammar(JSON.stringify(structuralTag(rule, open)));
    const rest = grammar.kind === 'rule' ? grammar.rule : expect.fail(grammar.kind);
    expect(completeTokens(vocabulary, [...prompt, ...whole.slice(0, at)], rest)).toEqual(whole.slice(at));
  });

  it('calls where it must, although it would not', () => {
    expect(said('Say OK.', { calls: [WEATHER], answer: null })).toEqual([
      'analysis: Say OK. (end)',
      'commentary functions.get_weather json: {"location":""} (call)',
    ]);
  });

  it('calls where it may and wants to, also beside a schema', () => {
    const rule = { calls: [WEATHER], answer: { kind: 'json', schema: PERSON } } as const;
    const call = 'commentary functions.get_weather json: {"location":"Paris"} (call)';
    expect(said('What is the weather in Paris?', rule, 'location')).toEqual([
      'analysis: Need the weather in Paris. (end)',
      call,
    ]);
    expect(said('Tell me what you do, then check the weather in Paris.', rule, 'location')).toEqual([
      'analysis: Need the weather in Paris. (end)',
      'commentary: I will check the weather in Paris. (end)',
      call,
    ]);
    expect(said('Give me Ada, age 36, as JSON.', rule, 'location').at(-1)).toBe(
      'final json: {"name":"Anna","age":36} (return)',
    );
  });

  it('answers in words where it would call and must not', () => {
    expect(said('What is the weather in Paris?', {}, 'location')).toEqual([
      'analysis: Need the weather in Paris. (end)',
      'final: I cannot check the weather. (return)',
    ]);
  });

  it('thinks no longer than it may', () => {
    expect(said('Why is the sky blue?', { maxReasoningTokens: 10 })).toEqual([
      'analysis: Rayleigh scattering. Sunlight holds all colors. (end)',
      'final: Because air scatters blue light. (return)',
    ]);
    expect(said('Why is the sky blue?', { maxReasoningTokens: 0 })).toEqual([
      'final: Because air scatters blue light. (return)',
    ]);
  });
});
