import type OpenAI from 'openai';
import { NotFoundError } from 'openai';
import { describe, expect, it } from 'vitest';

const model = 'gpt-oss-20b';
const parameters = {
  type: 'object',
  properties: { location: { type: 'string' } },
  required: ['location'],
  additionalProperties: false,
};
const description = 'Get the current weather for a city.';
const ask = (content: string) => ({ model, temperature: 0, messages: [{ role: 'user' as const, content }] });

/** The unmodified `openai` package on the chat API, with its helpers. */
export function openaiChatSuite(client: () => OpenAI): void {
  describe('chat.completions.create', () => {
    it('gives an answer and the request id', async () => {
      const completion = await client().chat.completions.create(ask('What is 7 + 8?'));
      expect(completion.choices[0]?.message.content).toBe('7 + 8 = 15.');
      expect(completion._request_id).toMatch(/^req_/);
    });

    it('streams', async () => {
      const stream = await client().chat.completions.create({ ...ask('Say OK.'), stream: true });
      let text = '';
      for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      expect(text).toBe('OK');
    });

    it('throws the class of error that the status means', async () => {
      const wrong = client().chat.completions.create({ ...ask('hi'), model: 'nope' });
      await expect(wrong).rejects.toBeInstanceOf(NotFoundError);
      await expect(wrong).rejects.toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    });

    it('throws what breaks a stream off', async () => {
      const stream = await client().chat.completions.create({ ...ask('word '.repeat(140_000)), stream: true });
      const read = async (): Promise<void> => {
        for await (const _ of stream);
      };
      await expect(read()).rejects.toMatchObject({ code: 'context_length_exceeded' });
    });
  });

  describe('chat.completions.stream', () => {
    it('assembles the completion', async () => {
      const stream = client().chat.completions.stream(ask('Repeat after me: naïve 🙂 世界 river'));
      const deltas: string[] = [];
      stream.on('content', (delta) => deltas.push(delta));
      const completion = await stream.finalChatCompletion();
      expect(completion.choices[0]?.message.content).toBe('You said: naïve 🙂 世界 river');
      expect(deltas.join('')).toBe('You said: naïve 🙂 世界 river');
    });
  });

  describe('chat.completions.runTools', () => {
    it.each([false, true])('runs the loop to its end (stream: %s)', async (stream) => {
      const asked: unknown[] = [];
      const tool = {
        type: 'function' as const,
        function: {
          name: 'get_weather',
          description,
          parameters,
          parse: JSON.parse as (text: string) => { location: string },
          function: (args: { location: string }) => {
            asked.push(args);
            return '{"temperature":21}';
          },
        },
      };
      const body = { ...ask('What is the weather in Paris?'), tools: [tool] };
      const runner = stream
        ? client().chat.completions.runTools({ ...body, stream: true })
        : client().chat.completions.runTools(body);
      expect(await runner.finalContent()).toBe('It is 21 degrees in Paris.');
      expect(asked).toEqual([{ location: 'Paris' }]);
    });
  });

  describe('chat.completions.parse', () => {
    it('gives the parsed object of a schema', async () => {
      const schema = {
        type: 'object',
        properties: { name: { type: 'string' }, age: { type: 'integer' } },
        required: ['name', 'age'],
        additionalProperties: false,
      };
      const completion = await client().chat.completions.parse({
        ...ask('Give me Ada, age 36, as JSON.'),
        response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
      });
      expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toMatchObject({ age: 36 });
    });
  });

  describe('completions.create', () => {
    it('goes on with a text, also as a stream', async () => {
      const asked = { model, temperature: 0, prompt: 'Once upon a time', max_tokens: 8 };
      const whole = await client().completions.create(asked);
      expect(whole.usage?.completion_tokens).toBeLessThanOrEqual(8);
      let text = '';
      for await (const chunk of await client().completions.create({ ...asked, stream: true })) {
        text += chunk.choices[0]?.text ?? '';
      }
      expect(text).toBe(whole.choices[0]?.text);
    });
  });
}
