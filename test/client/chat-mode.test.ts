import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { LM, toolResult, type LMOptions, type LMResult, type LMTool } from '../../src/client/index.ts';
import { startExchangeServer, type Answer, type ExchangeServer } from './support/exchange-server.ts';

/** What vLLM 0.32 answered on `/v1/chat/completions` (the tiny gpt-oss on the CPU, `--tool-call-parser openai`). */
const RECORDED = JSON.parse(
  readFileSync(new URL('../fixtures/client/vllm-chat.json', import.meta.url), 'utf8'),
) as Readonly<
  Record<
    'answer' | 'answerStream' | 'call' | 'callStream' | 'json' | 'cut' | 'refusal' | 'unknownModel' | 'noRoute',
    Answer
  >
>;

const getWeather: LMTool = {
  name: 'get_weather',
  description: 'Get the current weather for a city.',
  parameters: { type: 'object', properties: { location: { type: 'string' } } },
};

const person = {
  title: 'A person',
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
};

let server: ExchangeServer;
afterEach(() => server.close());

const CHAT = 'POST /v1/chat/completions';
const RESPONSES = 'POST /v1/responses';

async function chatLM(answers: readonly Answer[], options: LMOptions = {}, model = 'gpt-oss-20b'): Promise<LM> {
  server = await startExchangeServer({ [CHAT]: answers });
  return new LM(model, { baseURL: server.baseURL, mode: 'chat', ...options });
}

const bodies = (): unknown[] => server.asked.map(({ body }) => body);

describe('chat mode, by what vLLM answers', () => {
  it('sends messages and reads an answer, which has no id and moves no conversation', async () => {
    const lm = await chatLM([RECORDED.answer], {
      temperature: 0,
      maxOutputTokens: 99,
      reasoningEffort: 'low',
      topP: 0.5,
    });
    const { rawResponse, message, ...result } = await lm.respond('Be kind.', 'What is 7 + 8?', {
      previousResponseId: 'resp_1',
    });
    expect(result).toEqual({
      apiType: 'chat',
      text: '7 + 8 = 15.',
      reasoning: 'Add 7 and 8.',
      toolCalls: [],
      structuredOutput: null,
      responseId: null,
      incompleteReason: null,
      usage: { inputTokens: 75, cachedTokens: 0, outputTokens: 25, reasoningTokens: 7, totalTokens: 100 },
    });
    expect([rawResponse, lm.lastResponseId]).toEqual([RECORDED.answer.body, null]);
    expect(bodies()).toEqual([
      {
        model: 'gpt-oss-20b',
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'What is 7 + 8?' },
        ],
        temperature: 0,
        top_p: 0.5,
        max_completion_tokens: 99,
        reasoning_effort: 'low',
      },
    ]);
    expect(message).toEqual({ role: 'assistant', content: '7 + 8 = 15.', reasoning: 'Add 7 and 8.' });
  });

  it('streams reasoning, text and the whole, which is what it would have been without a stream', async () => {
    const lm = await chatLM([RECORDED.answerStream]);
    const pieces: Record<string, string> = {};
    let result: LMResult | null = null;
    for await (const event of lm.stream('What is 7 + 8?')) {
      if (event.type === 'result') result = event.result;
      else if (event.type !== 'toolCall') pieces[event.type] = (pieces[event.type] ?? '') + event.text;
    }
    expect(pieces).toEqual({ reasoning: 'Add 7 and 8.', text: '7 + 8 = 15.' });
    expect(result).toMatchObject({
      ...pieces,
      usage: { outputTokens: 25, reasoningTokens: 7 },
      incompleteReason: null,
    });
    expect(result?.rawResponse).toMatchObject({
      object: 'chat.completion',
      choices: [{ finish_reason: 'stop', message: { content: '7 + 8 = 15.', reasoning: 'Add 7 and 8.' } }],
    });
    expect(bodies()).toMatchObject([{ stream: true, stream_options: { include_usage: true } }]);
  });

  it('runs a loop of tools, with the reasoning that gpt-oss goes on from', async () => {
    const lm = await chatLM([RECORDED.call, RECORDED.answer], {
      tools: [getWeather],
      toolChoice: { name: 'get_weather' },
    });
    const asked = [{ role: 'user', content: 'Tell me what you do, then check the weather in Paris.' }] as const;
    const { text, toolCalls, message } = await lm.respond(asked);
    expect([text, toolCalls]).toEqual([
      'I will check the weather in Paris.',
      [
        {
          id: 'chatcmpl-tool-b5a6ed2c33dfd17b',
          name: 'get_weather',
          arguments: '{"location": "Paris"}',
          parsedArguments: { location: 'Paris' },
        },
      ],
    ]);
    await lm.respond([...asked, message, toolResult(toolCalls[0] ?? expect.fail(), '21')]);
    expect(bodies()[1]).toEqual({
      model: 'gpt-oss-20b',
      messages: [
        ...asked,
        {
          role: 'assistant',
          content: 'I will check the weather in Paris.',
          reasoning: 'Need the weather in Paris.',
          tool_calls: [
            {
              id: 'chatcmpl-tool-b5a6ed2c33dfd17b',
              type: 'function',
              function: { name: 'get_weather', arguments: '{"location": "Paris"}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'chatcmpl-tool-b5a6ed2c33dfd17b', content: '21' },
      ],
      tools: [{ type: 'function', function: getWeather }],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
    });
  });

  it('puts a streamed call together', async () => {
    const lm = await chatLM([RECORDED.callStream], { tools: [getWeather] });
    const calls: unknown[] = [];
    for await (const event of lm.stream('What is the weather in Paris?')) {
      if (event.type === 'toolCall') calls.push(event.toolCall);
      else if (event.type === 'result') calls.push(...event.result.toolCalls);
    }
    expect(calls).toMatchObject([
      { name: 'get_weather', parsedArguments: { location: 'Paris' } },
      { name: 'get_weather', parsedArguments: { location: 'Paris' } },
    ]);
    expect(calls[0]).toEqual(calls[1]);
  });

  it('asks for a schema and reads the answer by it', async () => {
    const lm = await chatLM([RECORDED.json]);
    const { structuredOutput } = await lm.respond('Give me a person, age 7, as JSON.', { responseFormat: person });
    expect(structuredOutput).toEqual({ name: 'age', age: 18 });
    expect(bodies()).toMatchObject([
      { response_format: { type: 'json_schema', json_schema: { name: 'A_person', schema: person, strict: true } } },
    ]);
  });

  it('says why an answer is not whole', async () => {
    const { incompleteReason, text } = await (await chatLM([RECORDED.cut])).respond('Tell me a long story.');
    expect([incompleteReason, text]).toEqual(['max_output_tokens', 'Once upon a time a small model']);
  });

  it("gives the server's error as it is", async () => {
    const refused = (await chatLM([RECORDED.refusal])).respond('Hi', { temperature: 3 });
    await expect(refused).rejects.toMatchObject({ status: 400, param: 'temperature' });
  });

  it('tells a stream that broke off from an answer', async () => {
    const begun = RECORDED.answerStream.frames?.slice(0, 5) ?? [];
    const lm = await chatLM([{ frames: begun }, { frames: begun, breaksOff: true }]);
    await expect(lm.stream('Hi').result).rejects.toMatchObject({ code: 'stream_cut' });
    await expect(lm.stream('Hi').result).rejects.toThrow();
    expect(server.asked.length).toBe(2);
  });

  it('keeps the reasoning from models that would refuse it', async () => {
    const lm = await chatLM([RECORDED.answer], { apiKey: 'sk-1' }, 'gpt-4');
    const { message } = await lm.respond('Hi');
    await lm.respond([message, { role: 'user', content: 'And?' }]);
    expect(bodies()[1]).toMatchObject({ messages: [{ role: 'assistant', content: '7 + 8 = 15.' }, { role: 'user' }] });
    expect(JSON.stringify(bodies()[1])).not.toContain('reasoning');
    expect(server.asked[0]?.headers.authorization).toBe('Bearer sk-1');
  });

  it('sends a request again that was refused for the moment', async () => {
    const busy: Answer = { status: 503, headers: { 'retry-after-ms': '1' }, body: { error: { message: 'busy' } } };
    const lm = await chatLM([busy, busy, RECORDED.answer, busy], { maxRetries: 2 });
    expect((await lm.respond('Hi')).text).toBe('7 + 8 = 15.');
    await expect(lm.respond('Hi')).rejects.toMatchObject({ status: 503 });
    expect(server.asked.length).toBe(6);
  });
});

describe('a server without /responses', () => {
  const autoLM = async (answers: Parameters<typeof startExchangeServer>[0], options: LMOptions = {}): Promise<LM> => {
    server = await startExchangeServer({ [CHAT]: [RECORDED.answer, RECORDED.answerStream], ...answers });
    return new LM('gpt-oss-20b', { baseURL: server.baseURL, ...options });
  };
  const routes = (): string[] => server.asked.map(({ route }) => route);

  it.for<[says: string, answer: Answer]>([
    ['404', RECORDED.noRoute],
    ['405', { status: 405, body: { detail: 'Method Not Allowed' } }],
    ['404 without a body', { status: 404 }],
    [
      "OpenAI's 404",
      { status: 404, body: { error: { message: 'Unknown request URL', code: 'unknown_url', param: null } } },
    ],
  ])('that says %s is asked by chat, and from then on no other way, also by forks', async ([, answer]) => {
    const lm = await autoLM({ [RESPONSES]: [answer] });
    const fork = lm.fork();
    expect(lm.apiType).toBe('responses');
    expect((await lm.respond('What is 7 + 8?')).text).toBe('7 + 8 = 15.');
    expect((await fork.stream('What is 7 + 8?').result).text).toBe('7 + 8 = 15.');
    expect(routes()).toEqual([RESPONSES, CHAT, CHAT]);
    expect([lm.apiType, lm.apiReason]).toEqual(['chat', 'the server has no /responses']);
  });

  it('is asked by chat in a stream too', async () => {
    const lm = await autoLM({ [CHAT]: [RECORDED.answerStream], [RESPONSES]: [RECORDED.noRoute] });
    expect((await lm.stream('What is 7 + 8?').result).apiType).toBe('chat');
  });

  it.for<[when: string, options: LMOptions, answer: Answer, previousResponseId: string | null]>([
    ['responses are insisted on', { useResponsesApi: true }, RECORDED.noRoute, null],
    ['the 404 is about the model', {}, RECORDED.unknownModel, null],
    ['the call goes on from a response', {}, RECORDED.noRoute, 'resp_1'],
  ])('is not asked by chat when %s', async ([, options, answer, previousResponseId]) => {
    const lm = await autoLM({ [RESPONSES]: [answer] }, options);
    await expect(lm.respond('Hi', { previousResponseId })).rejects.toMatchObject({ status: 404 });
    expect([routes(), lm.apiType]).toEqual([[RESPONSES], 'responses']);
  });

  it('is not asked by chat once it has answered', async () => {
    const said = { id: 'resp_1', status: 'completed', output: [] };
    const lm = await autoLM({ [RESPONSES]: [{ body: said }, RECORDED.noRoute] });
    await lm.respond('Hi');
    await expect(lm.respond('Hi', { autoStore: false })).rejects.toMatchObject({ status: 404 });
    expect(routes()).toEqual([RESPONSES, RESPONSES]);
  });
});
