import { describe, expect, it } from 'vitest';
import { toHarmony } from '../../src/responses/conversation.ts';
import { readInput as read } from '../../src/responses/input.ts';

/** What the items say, without their ids and wire forms. */
const readInput = (input: string | unknown[]) =>
  readItems(input).map(({ id: _id, wire: _wire, tokenIds: _tokenIds, ...content }) => content);
const readItems = (input: string | unknown[]) =>
  read(input, { nowMs: 0, unseal: (sealed) => (sealed === 'ours' ? 'opened' : null), referenced: () => null });

const options = { instructions: null, effort: 'medium', date: '2026-01-02', tools: [], responseFormat: null } as const;
const system = { role: 'system', effort: 'medium', date: '2026-01-02', hasFunctionTools: false };

const call = { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' };

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

  it('keeps reasoning that has its text and keeps the place of reasoning that has none', () => {
    const items = readInput([
      { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'think' }] },
      { type: 'reasoning', id: 'rs_2', summary: [{ type: 'summary_text', text: 's' }] },
    ]);
    expect(items).toEqual([
      { kind: 'reasoning', text: 'think' },
      { kind: 'reasoning', text: '' },
    ]);
  });

  it('opens reasoning that this server sealed and skips what another did', () => {
    const sealed = (blob: string) => ({ type: 'reasoning', summary: [], encrypted_content: blob });
    expect(readInput([sealed('ours'), sealed('theirs'), { role: 'user', content: 'hi' }])).toEqual([
      { kind: 'reasoning', text: 'opened' },
      { kind: 'reasoning', text: '' },
      { kind: 'message', role: 'user', text: 'hi' },
    ]);
  });

  it('takes calls and their outputs, parallel ones too, the output as text or as parts', () => {
    const items = readInput([
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'function_call', call_id: 'b', name: 'g', arguments: '{"x":1}' },
      { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: '2' }] },
      { type: 'function_call_output', call_id: 'a', output: '1' },
    ]);
    expect(items).toEqual([
      { kind: 'call', callId: 'a', name: 'f', arguments: '{}' },
      { kind: 'call', callId: 'b', name: 'g', arguments: '{"x":1}' },
      { kind: 'call_output', callId: 'b', output: '2' },
      { kind: 'call_output', callId: 'a', output: '1' },
    ]);
  });

  it('says in the place of an attachment that the model cannot read it', () => {
    const items = readInput([{ role: 'user', content: [{ type: 'input_image', image_url: 'data:,' }] }]);
    expect(items).toMatchObject([{ text: expect.stringContaining('reads text only') }]);
  });

  const rejected: readonly (readonly [title: string, input: unknown[], param: string, code: string | null])[] = [
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
    [
      'a call without arguments',
      [{ type: 'function_call', call_id: 'a', name: 'f' }],
      'input[0].arguments',
      'missing_required_parameter',
    ],
    ['a call id of 65 characters', [{ ...call, call_id: 'a'.repeat(65) }], 'input[0].call_id', 'invalid_value'],
    ['a bad id', [{ id: 'a b', role: 'user', content: 'x' }], 'input[0].id', 'invalid_value'],
    ['a reference to nothing', [{ type: 'item_reference', id: 'msg_x' }], 'input', null],
  ];
  it.each(rejected)('rejects %s and names the path', (_title, input, param, code) => {
    let thrown: unknown;
    try {
      readInput(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ param, code });
  });
});

describe('toHarmony', () => {
  it('adds no developer message where there is nothing to say', () => {
    expect(toHarmony(readItems('hi'), options)).toEqual([system, { role: 'user', text: 'hi' }]);
  });

  it('puts instructions and leading system items into one developer message and leaves later ones in place', () => {
    const items = readItems([
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'hi' },
      { role: 'developer', content: 'be brief' },
    ]);
    expect(toHarmony(items, { ...options, instructions: 'be exact' })).toEqual([
      system,
      { role: 'developer', instructions: 'be exact\n\nbe kind', tools: [] },
      { role: 'user', text: 'hi' },
      { role: 'developer', instructions: 'be brief' },
    ]);
  });

  it('offers tools and format in the front message, also where nobody gives instructions', () => {
    const tools = [{ name: 'f', description: null, parameters: null }];
    const responseFormat = { name: 'person', description: null, schema: {} };
    expect(toHarmony(readItems('hi'), { ...options, tools, responseFormat }).slice(0, 2)).toEqual([
      { ...system, hasFunctionTools: true },
      { role: 'developer', instructions: null, tools, responseFormat },
    ]);
  });

  it('names the function in a tool result by its call, spelled as the model knows it', () => {
    const items = readItems([
      { ...call, name: 'mcp.read' },
      { type: 'function_call_output', call_id: 'a', output: 'done' },
    ]);
    expect(toHarmony(items, options).slice(1)).toEqual([
      { role: 'assistant', channel: 'call', name: 'mcp_x2e_read', arguments: '{}' },
      { role: 'tool', name: 'mcp_x2e_read', output: 'done' },
    ]);
  });

  it('maps answers, preambles and reasoning to their channels', () => {
    const items = readItems([
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
