import { describe, expect, it } from 'vitest';
import { toHarmony, wantedRule, withPreface } from '../../src/client/harmony-prompt.ts';
import { readFormat } from '../../src/client/structured-output.ts';
import type { ModelCall } from '../../src/client/model-api.ts';
import type { GenerationOptions } from '../../src/client/options.ts';

const schema = { type: 'object', properties: { a: { type: 'string' } } };
const loose = { name: 'look.up', parameters: schema };
const strict = { name: 'fly', parameters: schema, strict: true };

const call = (generation: GenerationOptions, format: object | null = null): ModelCall => ({
  model: 'gpt-oss-20b',
  messages: [],
  previousResponseId: null,
  generation,
  format: format === null ? null : readFormat({ toJSONSchema: () => format }),
  signal: null,
});

describe('what must hold', () => {
  const looseRule = { name: 'look_x2e_up', schema: { type: 'object' } };
  const strictRule = { name: 'fly', schema };
  const text = { kind: 'text' };
  it.for<[what: string, asked: ModelCall, rule: object | null]>([
    ['nothing', call({}), null],
    ['nothing by tools that are not strict', call({ tools: [loose] }), null],
    [
      'the arguments of a strict tool',
      call({ tools: [loose, strict] }),
      { calls: [looseRule, strictRule], answer: text },
    ],
    [
      'that some tool is called',
      call({ tools: [loose, strict], toolChoice: 'required' }),
      { calls: [looseRule, strictRule], answer: null },
    ],
    [
      'that one tool is called',
      call({ tools: [loose, strict], toolChoice: { name: 'look.up' } }),
      { calls: [looseRule], answer: null },
    ],
    ['that none is called', call({ tools: [loose], toolChoice: 'none' }), { calls: [], answer: text }],
    ['nothing by a choice of no tools', call({ toolChoice: 'none' }), null],
    ['a format', call({}, schema), { calls: [], answer: { kind: 'json', schema } }],
    [
      'a format or a call',
      call({ tools: [strict] }, schema),
      { calls: [strictRule], answer: { kind: 'json', schema } },
    ],
    [
      'a format and no call',
      call({ tools: [strict], toolChoice: 'none' }, schema),
      { calls: [], answer: { kind: 'json', schema } },
    ],
  ])('is %s', ([, asked, rule]) => {
    expect(wantedRule(asked)).toEqual(rule === null ? null : { maxReasoningTokens: null, ...rule });
  });

  it('cannot be a tool that there is not', () => {
    const message = 'toolChoice is "required", but tools has no such function.';
    expect(() => wantedRule(call({ toolChoice: 'required' }))).toThrow(message);
  });
});

it('makes harmony messages of chat messages', () => {
  const messages = toHarmony(
    [
      { role: 'developer', content: 'Be kind.' },
      {
        role: 'assistant',
        content: 'I look.',
        reasoning: 'Look.',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look.up', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'seen' },
      { role: 'tool', tool_call_id: 'c0', content: 'earlier' },
      { role: 'assistant', content: 'Done.' },
    ],
    (id) => (id === 'c0' ? 'fly' : null),
  );
  expect(messages).toEqual([
    { role: 'developer', instructions: 'Be kind.' },
    { role: 'assistant', channel: 'analysis', text: 'Look.' },
    { role: 'assistant', channel: 'commentary', text: 'I look.' },
    { role: 'assistant', channel: 'call', name: 'look_x2e_up', arguments: '{}' },
    { role: 'tool', name: 'look_x2e_up', output: 'seen' },
    { role: 'tool', name: 'fly', output: 'earlier' },
    { role: 'assistant', channel: 'final', text: 'Done.' },
  ]);
});

it('puts leading instructions, tools and format into one message, and leaves later instructions where they are', () => {
  const said = [
    { role: 'developer', instructions: 'One.' },
    { role: 'developer', instructions: 'Two.' },
    { role: 'user', text: 'Hi' },
    { role: 'developer', instructions: 'Three.' },
  ] as const;
  const asked = call({ tools: [strict], reasoningEffort: 'xhigh' }, { title: 'X', ...schema });
  const [system, developer, ...rest] = withPreface(said, asked, '2026-03-14');
  expect(system).toEqual({ role: 'system', effort: 'high', date: '2026-03-14', hasFunctionTools: true });
  expect(developer).toMatchObject({
    instructions: 'One.\n\nTwo.',
    tools: [{ name: 'fly', description: null, parameters: schema }],
    responseFormat: { name: 'X' },
  });
  expect(rest).toEqual(said.slice(2));
  expect(withPreface([{ role: 'user', text: 'Hi' }], call({}), '2026-03-14').length).toBe(2);
});
