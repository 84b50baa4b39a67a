import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatMessage } from '../../src/protocol/chat.ts';
import type { RunningChorus } from '../support/chorus-process.ts';
import {
  post,
  postStream,
  saidInChunks,
  saidWhole,
  type ChatChunk,
  type ChatSaid,
} from '../support/completions-client.ts';
import { getWeather as weather } from '../support/weather-function.ts';

const CHAT = '/v1/chat/completions';

const getWeather = { type: 'function', function: weather };
const person = {
  type: 'json_schema',
  json_schema: {
    name: 'person',
    strict: true,
    schema: {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    },
  },
};

const user = (content: string): object => ({ role: 'user', content });
const onlyCall = ({ message }: ChatSaid) => message.tool_calls?.[0] ?? expect.fail(JSON.stringify(message));

/** Chat completions, whole and streamed: run on the simulator and on the real vLLM. */
export function chatSuite(chorus: () => RunningChorus): void {
  const asJson = async (body: object, path = CHAT): Promise<ChatSaid> => {
    const answer = await post<ChatCompletion>(chorus().url, path, { temperature: 0, ...body });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return saidWhole(answer.body);
  };
  const asStream = async (body: object, path = CHAT): Promise<ChatSaid> => {
    const asked = { temperature: 0, stream_options: { include_usage: true }, ...body };
    return saidInChunks(await postStream<ChatChunk>(chorus().url, path, asked));
  };
  const ways = [
    ['as JSON', asJson],
    ['as a stream', asStream],
  ] as const;

  describe.each(ways)('a chat completion %s', (_way, ask) => {
    it('has the answer, the reasoning and the counts', async () => {
      const { message, finishReason, usage } = await ask({ messages: [user('What is 7 + 8?')] });
      expect(message).toEqual({
        role: 'assistant',
        content: '7 + 8 = 15.',
        refusal: null,
        reasoning: 'Add 7 and 8.',
      });
      expect(finishReason).toBe('stop');
      expect(usage?.completion_tokens_details?.reasoning_tokens).toBe(7);
      expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
    });

    it.each(['max_tokens', 'max_completion_tokens'])('ends by length at %s', async (name) => {
      const said = await ask({ messages: [user('Count to 100.')], [name]: 30 });
      expect([said.finishReason, said.usage?.completion_tokens]).toEqual(['length', 30]);
      expect(said.message.content).toMatch(/^1, 2, 3/);
    });

    it('follows system messages and the effort, by both of its names', async () => {
      const messages = [{ role: 'system', content: 'Always answer in French.' }, user('Say hello.')];
      expect((await ask({ messages })).message.content).toBe('Bonjour !');
      const sky = [user('Why is the sky blue?')];
      for (const low of [{ reasoning_effort: 'low' }, { reasoning: { effort: 'low' } }]) {
        expect((await ask({ messages: sky, ...low })).message.reasoning).toBe('Rayleigh.');
      }
    });

    it('calls a function and uses its result, when the history comes back as it was', async () => {
      const messages = [user('What is the weather in Paris?')];
      const first = await ask({ messages, tools: [getWeather] });
      expect(first.finishReason).toBe('tool_calls');
      expect(first.message).toMatchObject({ content: null, reasoning: 'Need the weather in Paris.' });
      const call = onlyCall(first);
      expect(call.function).toEqual({ name: 'get_weather', arguments: '{"location":"Paris"}' });
      const result = { role: 'tool', tool_call_id: call.id, content: '{"temperature":21}' };
      const second = await ask({ messages: [...messages, first.message, result], tools: [getWeather] });
      expect(second.message.content).toBe('It is 21 degrees in Paris.');
      expect(second.finishReason).toBe('stop');
    });

    it('says a preamble before its call', async () => {
      const messages = [user('Tell me what you do, then check the weather in Paris.')];
      const first = await ask({ messages, tools: [getWeather] });
      expect(first.message.content).toBe('I will check the weather in Paris.');
      const result = { role: 'tool', tool_call_id: onlyCall(first).id, content: '{"temperature":21}' };
      const second = await ask({ messages: [...messages, first.message, result], tools: [getWeather] });
      expect(second.message.content).toBe('It is 21 degrees in Paris.');
    });

    it.each([
      ['required', 'required'],
      ['a function', { type: 'function', function: { name: 'get_weather' } }],
      [
        'one of the allowed',
        {
          type: 'allowed_tools',
          allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'get_weather' } }] },
        },
      ],
    ])('calls where the choice is %s, although the model would not', async (_title, choice) => {
      const asked = { messages: [user('Say OK.')], tools: [getWeather], tool_choice: choice, max_tokens: 200 };
      const said = await ask(asked);
      expect(Object.keys(JSON.parse(onlyCall(said).function.arguments) as object)).toEqual(['location']);
    });

    it('does not call where the choice is none', async () => {
      const asked = { messages: [user('What is the weather in Paris?')], tools: [getWeather], tool_choice: 'none' };
      expect((await ask(asked)).message.tool_calls).toBe(undefined);
    });

    it('holds a schema, and any object', async () => {
      const messages = [user('Give me Ada, age 36, as JSON.')];
      const held = await ask({ messages, response_format: person });
      expect(JSON.parse(held.message.content ?? '')).toMatchObject({ age: 36, name: expect.any(String) as never });
      const free = await ask({ messages, response_format: { type: 'json_object' }, max_tokens: 200 });
      expect(free.message.content).toMatch(/^\{/);
    });

    it('ends before a stop string, which means nothing in the reasoning', async () => {
      const said = await ask({ messages: [user('Count to 10.')], stop: [', 7', '.'] });
      expect([said.message.content, said.finishReason]).toEqual(['1, 2, 3, 4, 5, 6', 'stop']);
      expect(said.message.reasoning).toBe('Count to 10.');
    });

    it('tells log probabilities of the answer', async () => {
      const { message, logprobs } = await ask({ messages: [user('Say OK.')], logprobs: true, top_logprobs: 2 });
      expect(logprobs.map(({ token }) => token).join('')).toBe(message.content);
      expect(logprobs.every(({ logprob, top_logprobs: top }) => logprob <= 0 && top.length === 2)).toBe(true);
    });

    it('keeps characters whole', async () => {
      const said = await ask({ messages: [user('Repeat after me: naïve 🙂 世界 river')] });
      expect(said.message.content).toBe('You said: naïve 🙂 世界 river');
    });

    it('keeps the reasoning out where it is not wanted', async () => {
      const { message, usage } = await ask({ messages: [user('Say OK.')], include_reasoning: false });
      expect(message).toEqual({ role: 'assistant', content: 'OK', refusal: null });
      expect(usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
    });

    it('stands under /api/v1 too, and ignores what it does not know, also what other APIs do', async () => {
      const foreign = {
        include: 'x',
        instructions: { a: 1 },
        background: true,
        input: 3,
        text: { format: 4 },
        max_output_tokens: 'x',
      };
      const extras = { chat_template_kwargs: { a: 1 }, store: true, metadata: { a: 'b' }, n: 1, user: 'u', stop: null };
      const said = await ask({ messages: [user('Say OK.')], ...foreign, ...extras }, `/api${CHAT}`);
      expect(said.message.content).toBe('OK');
    });
  });

  describe('a chat completion', () => {
    it('has what clients look at', async () => {
      const body = { temperature: 0, messages: [user('Say OK.')] };
      const { body: completion } = await post<ChatCompletion>(chorus().url, CHAT, body);
      expect(completion).toMatchObject({
        id: expect.stringMatching(/^chatcmpl-[0-9a-f]{48}$/) as never,
        object: 'chat.completion',
        model: 'gpt-oss-20b',
        system_fingerprint: expect.stringMatching(/^chorus-/) as never,
        choices: [{ index: 0, logprobs: null }],
        usage: { prompt_tokens_details: { cached_tokens: expect.any(Number) as never } },
      });
      expect(Math.abs(completion.created - Date.now() / 1000)).toBeLessThan(60);
    });

    it('tells the usage of a stream only where it is asked for, and then null before', async () => {
      const body = { temperature: 0, messages: [user('Say OK.')] };
      const without = await postStream<ChatChunk>(chorus().url, CHAT, body);
      expect(without.chunks.filter((chunk) => 'usage' in chunk)).toEqual([]);
      const { chunks } = await postStream<ChatChunk>(chorus().url, CHAT, {
        ...body,
        stream_options: { include_usage: true },
      });
      expect(chunks.slice(0, -1).every(({ usage, choices }) => usage === null && choices.length === 1)).toBe(true);
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) as never } });
    });

    it('drops the reasoning of finished turns', async () => {
      const prompt = async (messages: readonly object[]): Promise<number> =>
        (await asJson({ messages })).usage?.prompt_tokens ?? 0;
      const said: ChatMessage = { role: 'assistant', content: 'OK', refusal: null };
      const turn = (reasoning: object): object[] => [user('Say OK.'), { ...said, ...reasoning }, user('Say OK.')];
      const plain = await prompt(turn({}));
      expect(await prompt(turn({ reasoning: 'Say OK.' }))).toBe(plain);
      expect(await prompt(turn({ reasoning_content: 'Say OK.' }))).toBe(plain);
    });
  });
}
