import { describe, expect, it } from 'vitest';
import type { CreateResponseBody } from '../../src/protocol/responses.ts';
import { withoutAliases } from '../../src/responses/aliases.ts';
import { prepareResponse } from '../../src/responses/request.ts';
import { prepareOptions } from '../support/prepare-options.ts';

const tool = { type: 'function', name: 'f', parameters: { type: 'object', properties: {} } };
const schema = { type: 'object', properties: { a: { not: { type: 'string' } } } };
const format = (changes: object) => ({
  text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, ...changes } },
});

const refuse = (body: object): unknown => {
  try {
    const named = withoutAliases({ model: 'gpt-oss-20b', ...body });
    return prepareResponse(named as CreateResponseBody, prepareOptions);
  } catch (error) {
    const { status, code, param } = error as { status: number; code: string | null; param: string | null };
    return [status, code, param];
  }
};

describe('a request is refused, with the field and OpenAI’s code, for', () => {
  const rows: readonly (readonly [title: string, body: object, code: string | null, param: string])[] = [
    ['a tool that is no object', { tools: ['x'] }, 'invalid_type', 'tools[0]'],
    ['a tool of another type', { tools: [{ type: 'web_search' }] }, 'invalid_value', 'tools[0].type'],
    ['a tool without a type', { tools: [{ name: 'f' }] }, 'missing_required_parameter', 'tools[0].type'],
    ['a function without a name', { tools: [{ type: 'function' }] }, 'missing_required_parameter', 'tools[0].name'],
    ['a function with an empty name', { tools: [{ ...tool, name: '' }] }, 'invalid_value', 'tools[0].name'],
    ['two functions of one name', { tools: [tool, tool] }, 'invalid_value', 'tools[1].name'],
    ['parameters that are no object', { tools: [{ ...tool, parameters: [] }] }, 'invalid_type', 'tools[0].parameters'],
    [
      'a strict schema that the grammar cannot hold',
      { tools: [{ ...tool, strict: true, parameters: schema }] },
      'invalid_function_parameters',
      'tools[0].parameters.properties.a.not',
    ],
    ['an unknown tool_choice', { tools: [tool], tool_choice: 'maybe' }, 'invalid_value', 'tool_choice'],
    ['a required call without tools', { tool_choice: 'required' }, null, 'tool_choice'],
    [
      'a choice that is not offered',
      { tools: [tool], tool_choice: { type: 'function', name: 'g' } },
      null,
      'tool_choice',
    ],
    [
      'an allowed tool that is not offered',
      { tools: [tool], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'g' }] } },
      null,
      'tool_choice',
    ],
    [
      'a choice of another type',
      { tools: [tool], tool_choice: { type: 'web_search' } },
      'invalid_value',
      'tool_choice.type',
    ],
    ['a format of an unknown type', { text: { format: { type: 'xml' } } }, 'invalid_value', 'text.format.type'],
    ['a format without a name', format({ name: undefined }), 'missing_required_parameter', 'text.format.name'],
    ['a format with a bad name', format({ name: 'a b' }), 'invalid_value', 'text.format.name'],
    ['a format without a schema', format({ schema: undefined }), 'missing_required_parameter', 'text.format.schema'],
    [
      'a format that the grammar cannot hold',
      format({ schema }),
      'invalid_json_schema',
      'text.format.schema.properties.a.not',
    ],
    ['a stop string in the way of JSON', { ...format({}), stop: 'x' }, 'mutually_exclusive_parameters', 'stop'],
    ['an empty stop string', { stop: ['a', ''] }, 'invalid_value', 'stop'],
    ['a logit bias that is no token', { logit_bias: { hello: 1 } }, 'invalid_value', 'logit_bias'],
    ['a token that does not exist', { logit_bias: { '201088': 1 } }, 'invalid_value', 'logit_bias'],
    ['an unknown include', { include: ['everything'] }, 'invalid_value', 'include'],
    ['background', { background: true }, 'unsupported_parameter', 'background'],
    ['a stored prompt', { input: undefined, prompt: { id: 'pmpt_1' } }, 'unsupported_parameter', 'prompt'],
    ['prompt beside input', { prompt: 'x' }, 'mutually_exclusive_parameters', 'prompt'],
    ['messages beside input', { messages: [] }, 'mutually_exclusive_parameters', 'messages'],
    [
      'response_format beside text.format',
      { ...format({}), response_format: { type: 'text' } },
      'mutually_exclusive_parameters',
      'response_format',
    ],
    [
      'a chat call without an id',
      {
        input: undefined,
        messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }],
      },
      'missing_required_parameter',
      'input[0].call_id',
    ],
  ];
  it.each(rows)('%s', (_title, body, code, param) => {
    expect(refuse({ input: 'hi', ...body })).toEqual([400, code, param]);
  });
});

it('leaves a text of a wrong type for the schema to refuse, whatever response_format says', () => {
  expect(withoutAliases({ text: 'abc', response_format: { type: 'text' } })).toEqual({ text: 'abc' });
});

describe('a request is taken with', () => {
  it('an ordinary schema that no grammar holds, as long as nobody is strict', () => {
    expect(refuse({ input: 'hi', tools: [{ ...tool, parameters: schema }] })).toMatchObject({ turn: { rule: null } });
  });

  it('the chat API’s shapes of messages, calls, results and format', () => {
    const messages = [
      { role: 'user', content: 'q' },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 't',
        tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: 'r' },
    ];
    const chatFormat = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } };
    expect(
      refuse({ messages, response_format: chatFormat, tools: [{ type: 'function', function: { name: 'f' } }] }),
    ).toMatchObject({
      turn: {
        prompt: {
          kind: 'messages',
          messages: [
            { role: 'system' },
            { role: 'developer', tools: [{ name: 'f' }], responseFormat: { name: 'n' } },
            { role: 'user', text: 'q' },
            { role: 'assistant', channel: 'analysis', text: 't' },
            { role: 'assistant', channel: 'call', name: 'f', arguments: '{}' },
            { role: 'tool', name: 'f', output: 'r' },
          ],
        },
        rule: { calls: [{ name: 'f' }], answer: { kind: 'json', schema: { type: 'object' } } },
      },
    });
  });
});
