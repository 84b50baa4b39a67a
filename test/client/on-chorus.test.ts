import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LM, toolResult, type LMOptions } from '../../src/client/index.ts';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { lmSuite } from './lm-suite.ts';

let chorus: RunningChorus;
beforeAll(async () => {
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '2']);
  await replicasReady(chorus, 2, 30_000);
});
afterAll(() => chorus.stop());

describe('harmony mode on Chorus itself, by the variable alone', () => {
  beforeAll(() => void vi.stubEnv('SYNTH_GPU_HARMONY_ENDPOINT', chorus.url));
  afterAll(() => void vi.unstubAllEnvs());
  const newLM = (options: LMOptions = {}): LM => new LM('gpt-oss-20b', { temperature: 0, ...options });

  it('is what is chosen', () => {
    expect(newLM().apiType).toBe('harmony');
  });

  lmSuite(newLM);
});

describe('chat mode on Chorus', () => {
  const newLM = (options: LMOptions = {}): LM =>
    new LM('gpt-oss-20b', { baseURL: `${chorus.url}/v1`, mode: 'chat', temperature: 0, ...options });

  it('has the answer, the reasoning and the counts, whole and streamed', async () => {
    const { text, reasoning, usage, apiType } = await newLM().respond('What is 7 + 8?');
    expect([text, reasoning, usage?.reasoningTokens, apiType]).toEqual(['7 + 8 = 15.', 'Add 7 and 8.', 7, 'chat']);
    const stream = newLM().stream('What is 7 + 8?');
    let streamed = '';
    for await (const event of stream) if (event.type === 'text') streamed += event.text;
    expect(streamed).toBe('7 + 8 = 15.');
  });

  it('brings a tool loop to its end, with the message as it came', async () => {
    const parameters = { type: 'object', properties: { location: { type: 'string' } } };
    const lm = newLM({ tools: [{ name: 'get_weather', description: 'The weather.', parameters }] });
    const question = { role: 'user', content: 'What is the weather in Paris?' } as const;
    const first = await lm.respond([question]);
    const [call = expect.fail('no call')] = first.toolCalls;
    const second = await lm.respond([question, first.message, toolResult(call, '{"temperature":21}')]);
    expect(second.text).toBe('It is 21 degrees in Paris.');
  });
});
