import { describe, expect, it } from 'vitest';
import type { RunningChorus } from '../support/chorus-process.ts';
import { post, postStream, type ChatChunk, type ErrorBody } from '../support/completions-client.ts';

const CHAT = '/v1/chat/completions';
const user = (content: string): object => ({ role: 'user', content });

/** What the chat API refuses, and how. */
export function chatRefusalsSuite(chorus: () => RunningChorus): void {
  describe('a chat completion that cannot be served', () => {
    const messages = [user('hi')];
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: 3 } };
    const assistant = (toolCall: object): object => ({ role: 'assistant', content: null, tool_calls: [toolCall] });
    const schema = { type: 'json_schema', json_schema: { name: 'n', schema: { $ref: 'https://x' } } };
    it('names the roles that a message can have', async () => {
      const body = { model: 'gpt-oss-20b', messages: [{ role: 'x', content: '' }] };
      const { error } = (await post<ErrorBody>(chorus().url, CHAT, body)).body;
      expect(error.message).toBe("Invalid value: 'x'. Supported: 'user', 'assistant', 'system', 'developer', 'tool'.");
    });

    it.each<[string, object | string, number, string | null, string | null]>([
      ['an empty body', '', 400, null, null],
      ['no messages', {}, 400, 'missing_required_parameter', 'messages'],
      ['an empty list of messages', { messages: [] }, 400, 'invalid_value', 'messages'],
      ['too many messages', { messages: Array(32_769).fill('hi') }, 400, 'array_above_max_length', 'messages'],
      ['an unknown model', { model: 'gpt-5', messages }, 404, 'model_not_found', 'model'],
      ['several answers', { messages, n: 2 }, 400, 'unsupported_parameter', 'n'],
      ['functions', { messages, functions: [] }, 400, 'unsupported_parameter', 'functions'],
      ['a function_call', { messages, function_call: 'auto' }, 400, 'unsupported_parameter', 'function_call'],
      ['a role that is none', { messages: [{ role: 'x', content: '' }] }, 400, 'invalid_value', 'messages[0].role'],
      ['no content', { messages: [{ role: 'user' }] }, 400, 'missing_required_parameter', 'messages[0].content'],
      [
        'arguments that are no text',
        { messages: [...messages, assistant(call)] },
        400,
        'invalid_type',
        'messages[1].tool_calls[0].function.arguments',
      ],
      [
        'a result without its call',
        { messages: [...messages, { role: 'tool', content: 'x' }] },
        400,
        'missing_required_parameter',
        'messages[1].tool_call_id',
      ],
      [
        'a result of an unknown call',
        { messages: [...messages, { role: 'tool', tool_call_id: 'c', content: 'x' }] },
        400,
        null,
        'messages',
      ],
      [
        'two maxima',
        { messages, max_tokens: 16, max_completion_tokens: 17 },
        400,
        'mutually_exclusive_parameters',
        'max_tokens',
      ],
      ['a maximum below 1', { messages, max_tokens: 0 }, 400, 'integer_below_min_value', 'max_tokens'],
      ['a wrong type', { messages, temperature: 'hot' }, 400, 'invalid_type', 'temperature'],
      ['alternatives of nothing', { messages, top_logprobs: 2 }, 400, 'invalid_value', 'top_logprobs'],
      ['an unknown effort', { messages, reasoning_effort: 'heroic' }, 400, 'invalid_value', 'reasoning_effort'],
      [
        'a schema that cannot be held',
        { messages, response_format: schema },
        400,
        'invalid_json_schema',
        'response_format.json_schema.schema.$ref',
      ],
      [
        'a choice of what is not offered',
        { messages, tool_choice: { type: 'function', function: { name: 'f' } } },
        400,
        null,
        'tool_choice',
      ],
      [
        'an input longer than the context',
        { messages: [user('word '.repeat(140_000))] },
        400,
        'context_length_exceeded',
        'messages',
      ],
    ])('answers %s in the shape of OpenAI, naming the field', async (...row) => {
      const [, body, status, code, param] = row;
      const answer = await post<ErrorBody>(chorus().url, CHAT, body);
      expect([answer.status, answer.body.error]).toEqual([
        status,
        { message: expect.any(String) as never, type: 'invalid_request_error', code, param },
      ]);
    });

    it('ends a stream that has begun with an error object', async () => {
      const { chunks, error, done } = await postStream<ChatChunk>(chorus().url, CHAT, {
        messages: [user('word '.repeat(140_000))],
      });
      expect(chunks).toHaveLength(1);
      expect([error?.code, error?.param, done]).toEqual(['context_length_exceeded', 'messages', true]);
    });

    it('tells why the other model is not served', async () => {
      const { status, body } = await post<ErrorBody>(chorus().url, CHAT, { model: 'gpt-oss-120b', messages });
      expect([status, body.error.code]).toEqual([503, 'server_is_overloaded']);
      expect(body.error.message).toContain('gpt-oss-120b');
    });
  });
}
