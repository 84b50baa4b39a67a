import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LM, LMError, type LMOptions } from '../../src/client/index.ts';
import { parseConversation } from '../../src/harmony/parse.ts';
import { startSimulator, type EngineProcess } from '../support/engine-process.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { vocabulary } from '../support/vocabulary.ts';
import { lmSuite } from './lm-suite.ts';
import { startExchangeServer } from './support/exchange-server.ts';
import { openEngineDoor, type EngineDoor } from '../support/engine-door.ts';

describe('harmony mode on an engine', () => {
  let engine: EngineProcess;
  let door: EngineDoor;
  beforeAll(async () => {
    engine = startSimulator();
    await engine.ready;
    door = await openEngineDoor(engine.socketPath);
  });
  afterAll(async () => {
    await engine.kill();
    await door.close();
  });

  const newLM = (options: LMOptions = {}): LM =>
    new LM('gpt-oss-20b', { harmonyEndpoint: door.url, temperature: 0, ...options });

  lmSuite(newLM);

  /** The messages of the prompt that a call sent, as `role: text`. */
  const promptOf = async (call: ReturnType<LM['respond']>): Promise<string[]> => {
    const result = await call;
    if (result.apiType !== 'harmony') return expect.fail(result.apiType);
    const messages = parseConversation(vocabulary, result.rawResponse.promptTokenIds);
    return messages.map(({ role, channel, text }) => `${channel ?? role}: ${text}`);
  };

  it('has the tokens of prompt and answer', async () => {
    const result = await newLM().respond('Say OK.');
    if (result.apiType !== 'harmony') return expect.fail(result.apiType);
    const { promptTokenIds, tokenIds, finishReason, usage } = result.rawResponse;
    expect(finishReason).toBe('stop');
    expect(usage).toMatchObject({ prompt_tokens: promptTokenIds.length, completion_tokens: tokenIds.length });
    expect(tokenIds.at(-1)).toBe(200_002);
  });

  it('drops old reasoning, replays its own words and keeps the date of the first turn', async () => {
    const clock = new FakeClock(Date.UTC(2026, 2, 14, 23, 59));
    const lm = newLM({ clock });
    const first = await lm.respond('Be kind.', 'Say OK.');
    clock.advance(120_000);
    const prompt = await promptOf(lm.respond('Say OK.'));
    expect(prompt.slice(1)).toEqual([
      'developer: # Instructions\n\nBe kind.',
      'user: Say OK.',
      'final: OK',
      'user: Say OK.',
    ]);
    expect(prompt[0]).toContain('Current date: 2026-03-14');
    expect(first.reasoning).toBe('Say OK.');
  });

  it('keeps the reasoning of an open loop of tools', async () => {
    const lm = newLM({
      tools: [{ name: 'get_weather', parameters: { type: 'object', properties: { location: { type: 'string' } } } }],
    });
    const { toolCalls } = await lm.respond('Weather in Paris?');
    const prompt = await promptOf(lm.respond({ role: 'tool', tool_call_id: toolCalls[0]?.id ?? '', content: '21' }));
    expect(prompt.slice(2)).toEqual([
      'user: Weather in Paris?',
      'analysis: Need the weather in Paris.',
      'commentary: {"location":"Paris"}',
      'commentary: 21',
    ]);
  });

  it('refuses the result of a call that nobody made, and a choice that is none', async () => {
    const lost = newLM().respond({ role: 'tool', tool_call_id: 'call_1', content: '21' });
    await expect(lost).rejects.toThrow('There is no call "call_1" that the result of a tool could be for.');
    const choice = newLM().respond('Say OK.', { toolChoice: { name: 'fly' } });
    await expect(choice).rejects.toThrow('toolChoice names "fly", but tools has no such function.');
  });

  it('knows no response of another LM, and says so', async () => {
    const { responseId } = await newLM().respond('Say OK.');
    const lost = newLM().respond('Say OK.', { previousResponseId: responseId });
    await expect(lost).rejects.toBeInstanceOf(LMError);
    await expect(lost).rejects.toMatchObject({ code: 'unknown_response' });
  });

  it("gives the engine's refusals, early and late", async () => {
    const early = newLM().respond('Say OK.', { temperature: 3 });
    await expect(early).rejects.toMatchObject({ status: 400, message: expect.stringContaining('temperature must be') });
    const late = newLM().respond('word '.repeat(5000));
    await expect(late).rejects.toThrow(/longer than the maximum model length of 4096/);
  });

  it('ends the work of an engine whose answer nobody wants', async () => {
    const stream = newLM().stream('Tell me a long story.');
    await stream[Symbol.asyncIterator]().next();
    stream.abort();
    await expect(stream.result).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => engine.metric('num_requests_running'), { timeout: 5000 }).toBe(0);
  });
});

it('tells an engine that dies in the middle from an answer', async () => {
  const engine = startSimulator({ flags: ['--sim-crash-after-tokens', '20'] });
  await engine.ready;
  const door = await openEngineDoor(engine.socketPath);
  try {
    const lm = new LM('gpt-oss-20b', { mode: 'harmony', baseURL: `${door.url}/v1`, maxRetries: 0 });
    await expect(lm.respond('Tell me a long story.')).rejects.toThrow(/EngineCore encountered an issue/);
    expect(lm.lastResponseId).toBeNull();
  } finally {
    await engine.kill();
    await door.close();
  }
});

it.for<[what: string, finish: string | null, code: string]>([
  ['was aborted', 'abort', 'response_failed'],
  ['never ended', null, 'stream_cut'],
])('takes an answer that %s for none', async ([, finish, code]) => {
  const frames = [{ choices: [{ index: 0, token_ids: [13225], finish_reason: finish }] }];
  const server = await startExchangeServer({ 'POST /inference/v1/generate': [{ frames }] });
  try {
    const lm = new LM('gpt-oss-20b', { mode: 'harmony', baseURL: server.baseURL });
    await expect(lm.respond('Hi')).rejects.toMatchObject({ code });
    expect(lm.lastResponseId).toBeNull();
  } finally {
    await server.close();
  }
});
