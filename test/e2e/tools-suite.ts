import { describe, expect, it } from 'vitest';
import type { FunctionCallItem, OutputItem, ResponseObject } from '../../src/protocol/responses.ts';
import type { RunningChorus } from '../support/chorus-process.ts';
import { eventOrderProblems } from '../support/event-order.ts';
import { postResponse, streamResponse } from '../support/responses-client.ts';
import { getWeather as weather } from '../support/weather-function.ts';

const getWeather = { type: 'function', ...weather };
const person = {
  type: 'json_schema',
  name: 'person',
  schema: {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  },
};

const isCall = (item: OutputItem): item is FunctionCallItem => item.type === 'function_call';
const kinds = ({ output }: ResponseObject): string[] =>
  output.map((item) => (item.type === 'message' ? item.phase : item.type));

/** Function calling and output that holds: run on the simulator and on the real vLLM, streamed and not. */
export function toolsSuite(chorus: () => RunningChorus): void {
  const ways: readonly (readonly [way: string, ask: (body: object) => Promise<ResponseObject>])[] = [
    ['as JSON', async (body) => (await postResponse(chorus().url, body)).body],
    [
      'as a stream',
      async (body) => {
        const { events, response } = await streamResponse(chorus().url, body);
        expect(eventOrderProblems(events)).toEqual([]);
        return response;
      },
    ],
  ];

  describe.each(ways)('functions %s', (_way, ask) => {
    it('are called where the model wants them, and their result is used', async () => {
      const question = { role: 'user', content: 'What is the weather in Paris?' };
      const first = await ask({ input: [question], tools: [getWeather] });
      const call = first.output.find(isCall) ?? expect.fail(JSON.stringify(first.output));
      expect(call).toMatchObject({ name: 'get_weather', arguments: '{"location":"Paris"}', status: 'completed' });
      const result = { type: 'function_call_output', call_id: call.call_id, output: '{"temperature":21}' };
      const second = await ask({ input: [question, ...first.output, result], tools: [getWeather] });
      expect(second.output.at(-1)).toMatchObject({
        phase: 'final_answer',
        content: [{ text: 'It is 21 degrees in Paris.' }],
      });
    });

    it('are announced by a preamble where the model writes one', async () => {
      const response = await ask({
        input: 'Tell me what you do, then check the weather in Paris.',
        tools: [getWeather],
      });
      expect(kinds(response)).toEqual(['reasoning', 'commentary', 'function_call']);
      expect(response.output[1]).toMatchObject({ content: [{ text: 'I will check the weather in Paris.' }] });
    });

    it.each([
      ['required', 'required'],
      ['named', { type: 'function', name: 'get_weather' }],
      [
        'one of the allowed',
        { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'get_weather' }] },
      ],
    ])('are called when a call is %s, although the model would not', async (_title, choice) => {
      const response = await ask({
        input: 'Say OK.',
        tools: [getWeather],
        tool_choice: choice,
        max_output_tokens: 200,
      });
      expect(kinds(response).at(-1)).toBe('function_call');
      const call = response.output.find(isCall) ?? expect.fail('no call');
      expect(Object.keys(JSON.parse(call.arguments) as object)).toEqual(['location']);
    });

    it('are not called when the choice is none, although they are offered', async () => {
      const response = await ask({ input: 'What is the weather in Paris?', tools: [getWeather], tool_choice: 'none' });
      expect(kinds(response)).not.toContain('function_call');
      expect(kinds(response).at(-1)).toBe('final_answer');
    });
  });

  describe.each(ways)('structured output %s', (_way, ask) => {
    const answer = (response: ResponseObject): unknown => {
      const item = response.output.at(-1);
      if (item?.type !== 'message') throw new Error(JSON.stringify(response.output));
      return JSON.parse(item.content[0]?.text ?? '');
    };

    it('holds a schema', async () => {
      const response = await ask({ input: 'Give me Ada, age 36, as JSON.', text: { format: person } });
      expect(answer(response)).toMatchObject({ age: 36, name: expect.any(String) as never });
    });

    it('holds a schema beside tools that may still be called', async () => {
      const asked = { tools: [getWeather], text: { format: person } };
      const shape = { name: expect.any(String) as never, age: expect.any(Number) as never };
      expect(answer(await ask({ ...asked, input: 'Give me Ada, age 36, as JSON.' }))).toEqual(shape);
      expect(kinds(await ask({ ...asked, input: 'What is the weather in Paris?' })).at(-1)).toBe('function_call');
    });

    it('holds json_object, also under the name of the chat API', async () => {
      for (const format of [
        { text: { format: { type: 'json_object' } } },
        { response_format: { type: 'json_object' } },
      ]) {
        const response = await ask({ input: 'Give me Ada, age 36, as JSON.', max_output_tokens: 200, ...format });
        // A free object may be longer than a weak model can keep short: cut off, it is still the beginning of one.
        if (response.status === 'completed') expect(answer(response)).toBeTypeOf('object');
        else
          expect(response.output.at(-1)).toMatchObject({ content: [{ text: expect.stringMatching(/^\{/) as never }] });
      }
    });
  });

  describe.each(ways)('a thinking budget %s', (_way, ask) => {
    it('of 10 gives 10 tokens to a model that would think for 80, and the answer follows', async () => {
      const asked = { input: 'Why is the sky blue?', reasoning: { effort: 'high', max_tokens: 10 } };
      const response = await ask(asked);
      expect(response.usage?.output_tokens_details.reasoning_tokens).toBe(10);
      expect(response.output.at(-1)).toMatchObject({ content: [{ text: 'Because air scatters blue light.' }] });
    });

    it('of 0 leaves the thinking out', async () => {
      const response = await ask({ input: 'Why is the sky blue?', reasoning: { max_tokens: 0 } });
      expect(kinds(response)).toEqual(['final_answer']);
    });
  });

  describe('settings of the answer', () => {
    it('stop ends the answer before the string and leaves the reasoning alone', async () => {
      const { body } = await postResponse(chorus().url, { input: 'Count to 10.', stop: [', 7', '.'] });
      expect(body).toMatchObject({ status: 'completed', output_text: '1, 2, 3, 4, 5, 6' });
    });

    it('logprobs come with the answer, token by token, spelled and with alternatives', async () => {
      const { body } = await postResponse(chorus().url, { input: 'Say OK.', top_logprobs: 2 });
      const item = body.output.at(-1);
      if (item?.type !== 'message') throw new Error('no message');
      const { text, logprobs } = item.content[0] ?? expect.fail('no part');
      expect(logprobs.map(({ token }) => token).join('')).toBe(text);
      expect(logprobs.every(({ logprob, top_logprobs: top }) => logprob <= 0 && top.length === 2)).toBe(true);
    });

    it('seals reasoning for a client that keeps its own history, and opens it when it comes back', async () => {
      const { body } = await postResponse(chorus().url, { input: 'Say OK.', include: ['reasoning.encrypted_content'] });
      const sealed = body.output[0];
      if (sealed?.type !== 'reasoning') throw new Error('no reasoning');
      expect(sealed.encrypted_content).toMatch(/^chorus1\./);
      const { status } = await postResponse(chorus().url, {
        input: [...body.output, { role: 'user', content: 'Say OK.' }],
      });
      expect(status).toBe(200);
    });

    it('takes the names of older clients: prompt, messages', async () => {
      const url = chorus().url;
      expect((await postResponse(url, { prompt: 'What is 7 + 8?' })).body.output_text).toBe('7 + 8 = 15.');
      const messages = [
        { role: 'user', content: 'My name is Ada.' },
        { role: 'assistant', content: 'Hello Ada!' },
        { role: 'user', content: 'What is my name?' },
      ];
      expect((await postResponse(url, { messages })).body.output_text).toBe('Your name is Ada.');
    });
  });
}
