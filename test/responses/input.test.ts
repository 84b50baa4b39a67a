import { describe, expect, it } from 'vitest';
import { readInput, toHarmony } from '../../src/responses/input.ts';

const options = { instructions: null, effort: 'medium', date: '2026-01-02' } as const;
const system = { role: 'system', effort: 'medium', date: '2026-01-02', hasFunctionTools: false };

describe('readInput', () => {
  it('takes a string as one user message', () => {
    expect(readInput('hello')).toEqual([{ kind: 'message', role: 'user', text: 'hello' }]);
  });

  it('takes messages with and without a type, as text and as parts, null counting as absent', () => {
    const items = readInput([
      { role: 'user', content: 'a' },
      {
        type: 'message',
        role: 'user',
        status: null,
        content: [
          { type: 'input_text', text: 'b' },
          { type: 'input_text', text: 'c' },
        ],
      },
      { type: null, role: 'assistant', content: [{ type: 'output_text', text: 'd' }] },
      { role: 'assistant', phase: 'commentary', content: 'e' },
    ]);
    expect(items).toEqual([
      { kind: 'message', role: 'user', text: 'a' },
      { kind: 'message', role: 'user', text: 'bc' },
      { kind: 'assistant', phase: 'final_answer', text: 'd' },
      { kind: 'assistant', phase: 'commentary', text: 'e' },
    ]);
  });

  it('keeps reasoning that has its text and skips reasoning that has none', () => {
    const items = readInput([
      { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'think' }] },
      { type: 'reasoning', id: 'rs_2', summary: [{ type: 'summary_text', text: 's' }] },
    ]);
    expect(items).toEqual([{ kind: 'reasoning', text: 'think' }]);
  });

  const rejected: readonly (readonly [title: string, input: unknown[], param: string, code: string])[] = [
    ['an item that is no object', ['x'], 'input[0]', 'invalid_type'],
    ['an unknown item type', [{ type: 'nonsense' }], 'input[0].type', 'invalid_value'],
    ['an unknown role', [{ role: 'robot', content: 'x' }], 'input[0].role', 'invalid_value'],
    ['a missing role', [{ content: 'x' }], 'input[0].role', 'missing_required_parameter'],
    ['missing content', [{ role: 'user' }], 'input[0].content', 'missing_required_parameter'],
    ['content of a wrong type', [{ role: 'user', content: 7 }], 'input[0].content', 'invalid_type'],
    [
      'an unknown part',
      [{ role: 'user', content: [{ type: 'hologram' }] }],
      'input[0].content[0].type',
      'invalid_value',
    ],
    [
      'a part without text',
      [{ role: 'user', content: [{ type: 'input_text' }] }],
      'input[0].content[0].text',
      'missing_required_parameter',
    ],
    ['an empty list', [], 'input', 'invalid_value'],
  ];
  it.each(rejected)('rejects %s and names the path', (_title, input, param, code) => {
    let thrown: unknown;
    try {
      readInput(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ param, code, status: 400 });
  });
});

describe('toHarmony', () => {
  it('adds no developer message where there is nothing to say', () => {
    expect(toHarmony(readInput('hi'), options)).toEqual([system, { role: 'user', text: 'hi' }]);
  });

  it('puts instructions and leading system items into one developer message and leaves later ones in place', () => {
    const items = readInput([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'hi' },
      { role: 'developer', content: 'be brief' },
    ]);
    expect(toHarmony(items, { ...options, instructions: 'be exact' })).toEqual([
      system,
      { role: 'developer', instructions: 'be exact\n\nbe kind' },
      { role: 'user', text: 'hi' },
      { role: 'developer', instructions: 'be brief' },
    ]);
  });

  it('maps answers, preambles and reasoning to their channels', () => {
    const items = readInput([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 't' }] },
      { role: 'assistant', phase: 'commentary', content: 'p' },
      { role: 'assistant', content: 'f' },
    ]);
    expect(toHarmony(items, options).slice(1)).toEqual([
      { role: 'assistant', channel: 'analysis', text: 't' },
      { role: 'assistant', channel: 'commentary', text: 'p' },
      { role: 'assistant', channel: 'final', text: 'f' },
    ]);
  });
});
