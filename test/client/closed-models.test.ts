import { afterEach, describe, expect, it } from 'vitest';
import { LM, type LMStreamEvent } from '../../src/client/index.ts';
import { startExchangeServer, type Answer, type ExchangeServer } from './support/exchange-server.ts';

/** A response of a closed model in the shape that OpenAI's API reference gives: reasoning as a summary, no phases. */
const response = {
  id: 'resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b',
  object: 'response',
  created_at: 1756315696,
  status: 'completed',
  model: 'gpt-5-2025-08-07',
  output: [
    {
      id: 'rs_68af4030baa48193b0b43b4c2a176a1a05438e46b5f69a3b',
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: '**Adding two numbers**' }],
    },
    {
      id: 'msg_68af40337e58819392e935fb404414d005438e46b5f69a3b',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: '15', annotations: [], logprobs: [] }],
    },
  ],
  error: null,
  incomplete_details: null,
  usage: {
    input_tokens: 20,
    input_tokens_details: { cached_tokens: 5 },
    output_tokens: 11,
    output_tokens_details: { reasoning_tokens: 8 },
    total_tokens: 31,
  },
};

const place = { output_index: 1, content_index: 0, item_id: response.output[1]?.id };
const frames = [
  { type: 'response.created', sequence_number: 0, response: { ...response, status: 'in_progress', output: [] } },
  {
    type: 'response.reasoning_summary_text.delta',
    sequence_number: 1,
    output_index: 0,
    summary_index: 0,
    delta: '**Adding two numbers**',
  },
  { type: 'response.output_item.added', sequence_number: 2, output_index: 1, item: response.output[1] },
  { type: 'response.output_text.delta', sequence_number: 3, ...place, delta: '1', obfuscation: 'xyz' },
  { type: 'response.output_text.delta', sequence_number: 4, ...place, delta: '5', obfuscation: 'xy' },
  { type: 'response.completed', sequence_number: 5, response },
];

let server: ExchangeServer;
afterEach(() => server.close());

async function newLM(answers: readonly Answer[]): Promise<LM> {
  server = await startExchangeServer({ 'POST /v1/responses': answers });
  return new LM('gpt-4o', { baseURL: server.baseURL, apiKey: 'sk-1', temperature: 0 });
}

const bodies = (): unknown[] => server.asked.map(({ body }) => body);

describe('closed models, by what OpenAI documents', () => {
  it('answer with a summary of their reasoning, and are gone on from by id', async () => {
    const lm = await newLM([{ body: response }]);
    const { text, reasoning, usage, responseId } = await lm.respond('Be brief.', 'What is 7 + 8?');
    expect({ text, reasoning, usage, responseId }).toEqual({
      text: '15',
      reasoning: '**Adding two numbers**',
      usage: { inputTokens: 20, cachedTokens: 5, outputTokens: 11, reasoningTokens: 8, totalTokens: 31 },
      responseId: response.id,
    });
    await lm.respond('And 9 + 9?');
    expect(bodies()).toEqual([
      {
        model: 'gpt-4o',
        temperature: 0,
        input: [
          { type: 'message', role: 'system', content: 'Be brief.' },
          { type: 'message', role: 'user', content: 'What is 7 + 8?' },
        ],
      },
      {
        model: 'gpt-4o',
        temperature: 0,
        input: [{ type: 'message', role: 'user', content: 'And 9 + 9?' }],
        previous_response_id: response.id,
      },
    ]);
  });

  it('stream', async () => {
    const lm = await newLM([{ frames }]);
    const events: LMStreamEvent[] = [];
    for await (const event of lm.stream('What is 7 + 8?')) events.push(event);
    expect(events.slice(0, -1)).toEqual([
      { type: 'reasoning', text: '**Adding two numbers**' },
      { type: 'text', text: '1', phase: 'answer' },
      { type: 'text', text: '5', phase: 'answer' },
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'result', result: { text: '15', responseId: response.id } });
  });

  it('are not sent the reasoning of a message that is given back', async () => {
    const lm = await newLM([{ body: response }]);
    const { message } = await lm.respond('What is 7 + 8?', { autoStore: false });
    await lm.respond([message, { role: 'user', content: 'Sure?' }]);
    expect(bodies()[1]).toMatchObject({
      input: [
        { type: 'message', role: 'assistant', content: '15', phase: 'final_answer' },
        { type: 'message', role: 'user', content: 'Sure?' },
      ],
    });
  });

  it('can refuse a format, which is told with what they said', async () => {
    const refused = {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'refusal', refusal: 'I cannot do that.' }],
    };
    const lm = await newLM([{ body: { ...response, output: [refused] } }]);
    const wrong = lm.respond('Hi', { responseFormat: { type: 'object', properties: { name: { type: 'string' } } } });
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_structured_output', text: 'I cannot do that.' });
    expect(lm.lastResponseId).toBeNull();
    // A schema with optional properties is none that OpenAI takes as strict.
    expect(bodies()).toMatchObject([{ text: { format: { type: 'json_schema', name: 'answer', strict: false } } }]);
  });

  it('can fail after all, and a stream can break off', async () => {
    const error = { code: 'server_error', message: 'The model is tired.' };
    const failed = { ...response, status: 'failed', error, output: [] };
    const lm = await newLM([
      { body: failed },
      { frames: [...frames.slice(0, 4), { type: 'response.failed', sequence_number: 4, response: failed }] },
      { frames: frames.slice(0, 4) },
    ]);
    const code = 'response_failed';
    await expect(lm.respond('Hi')).rejects.toMatchObject({
      code,
      message: `Response ${response.id} failed: The model is tired.`,
    });
    await expect(lm.stream('Hi').result).rejects.toMatchObject({ code });
    await expect(lm.stream('Hi').result).rejects.toMatchObject({ code: 'stream_cut' });
    expect(lm.lastResponseId).toBeNull();
  });

  it('that are busy are asked again', async () => {
    const busy = { status: 429, headers: { 'retry-after-ms': '1' }, body: { error: { message: 'Try again in 1ms.' } } };
    const lm = await newLM([busy, { body: response }]);
    expect((await lm.respond('What is 7 + 8?')).text).toBe('15');
    expect(server.asked.length).toBe(2);
  });
});
