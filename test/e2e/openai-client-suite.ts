import type OpenAI from 'openai';
import { BadRequestError } from 'openai';
import { describe, expect, it } from 'vitest';

const model = 'gpt-oss-20b';
const getWeather = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'Get the current weather for a city.',
  strict: true,
  parameters: {
    type: 'object',
    properties: { location: { type: 'string' } },
    required: ['location'],
    additionalProperties: false,
  },
};

/** The unmodified `openai` package, whose stream helper is strict about every event. */
export function openaiClientSuite(client: () => OpenAI): void {
  describe('responses.create', () => {
    it('gives text, usage and the request id', async () => {
      const response = await client().responses.create({ model, temperature: 0, input: 'What is 7 + 8?' });
      expect(response.output_text).toBe('7 + 8 = 15.');
      expect(response.usage?.output_tokens_details.reasoning_tokens).toBe(7);
      expect(response._request_id).toMatch(/^req_/);
    });

    it('streams', async () => {
      const stream = await client().responses.create({ model, temperature: 0, input: 'Say OK.', stream: true });
      let text = '';
      let last = '';
      for await (const event of stream) {
        if (event.type === 'response.output_text.delta') text += event.delta;
        last = event.type;
      }
      expect([text, last]).toEqual(['OK', 'response.completed']);
    });

    it('throws the class of error that the status means', async () => {
      const wrong = client().responses.create({ model: 'nope', input: 'hi' });
      await expect(wrong).rejects.toBeInstanceOf(BadRequestError);
      await expect(wrong).rejects.toMatchObject({ status: 400, code: 'model_not_found', param: 'model' });
    });

    it('runs a tool loop with the output of the first turn as it came', async () => {
      const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'What is the weather in Paris?' }];
      const first = await client().responses.create({ model, temperature: 0, input, tools: [getWeather] });
      const call = first.output.find((item) => item.type === 'function_call') ?? expect.fail('no call');
      expect(JSON.parse(call.arguments)).toEqual({ location: 'Paris' });
      input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]), {
        type: 'function_call_output',
        call_id: call.call_id,
        output: '{"temperature":21}',
      });
      const second = await client().responses.create({ model, temperature: 0, input, tools: [getWeather] });
      expect(second.output_text).toBe('It is 21 degrees in Paris.');
    });
  });

  describe('stored responses', () => {
    it('are chained, retrieved, listed and deleted', async () => {
      const { responses } = client();
      const first = await responses.create({ model, temperature: 0, input: 'My name is Ada.' });
      const asked = { model, temperature: 0, input: 'What is my name?', previous_response_id: first.id };
      const second = await responses.create(asked);
      expect(second.output_text).toBe('Your name is Ada.');
      expect((await responses.retrieve(second.id)).output).toEqual(second.output);
      const types = [];
      for await (const item of responses.inputItems.list(second.id, { limit: 1, order: 'asc' })) types.push(item.type);
      expect(types).toEqual(['message', 'reasoning', 'message', 'message']);
      await responses.delete(second.id);
      await expect(responses.retrieve(second.id)).rejects.toMatchObject({ status: 404 });
      const gone = responses.create({ ...asked, previous_response_id: second.id });
      await expect(gone).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' });
    });
  });

  describe('responses.stream', () => {
    it('accepts every event and assembles the response', async () => {
      const stream = client().responses.stream({
        model,
        temperature: 0,
        input: 'Repeat after me: naïve 🙂 世界 river',
      });
      const deltas: string[] = [];
      stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta));
      const response = await stream.finalResponse();
      expect(response.output_text).toBe('You said: naïve 🙂 世界 river');
      expect(deltas.join('')).toBe(response.output_text);
    });

    it('accepts a preamble and a call', async () => {
      const input = 'Tell me what you do, then check the weather in Paris.';
      const response = await client()
        .responses.stream({ model, temperature: 0, input, tools: [getWeather] })
        .finalResponse();
      expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call']);
    });

    it('tells an error of the stream as an API error', async () => {
      const stream = client().responses.stream({ model, input: 'word '.repeat(140_000) });
      await expect(stream.finalResponse()).rejects.toMatchObject({ code: 'context_length_exceeded' });
    });
  });

  describe('responses.parse', () => {
    it('gives the parsed object of a schema', async () => {
      const schema = {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'integer' } },
        required: ['name', 'age'],
        additionalProperties: false,
      };
      const format = { type: 'json_schema' as const, name: 'person', strict: true, schema };
      const input = 'Give me Ada, age 36, as JSON.';
      const response = await client().responses.parse({ model, temperature: 0, input, text: { format } });
      expect(JSON.parse(response.output_text)).toMatchObject({ age: 36 });
    });
  });
}
