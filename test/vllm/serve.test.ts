import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LM } from '../../src/client/index.ts';
import { lmSuite } from '../client/lm-suite.ts';
import { chatSuite } from '../e2e/chat-suite.ts';
import { completionsSuite } from '../e2e/completions-suite.ts';
import { openaiChatSuite } from '../e2e/openai-chat-suite.ts';
import { openaiClientSuite } from '../e2e/openai-client-suite.ts';
import { responsesSuite } from '../e2e/responses-suite.ts';
import { serveSuite } from '../e2e/serve-suite.ts';
import { stateSuite } from '../e2e/state-suite.ts';
import { toolOutputsSuite } from '../e2e/tool-outputs-suite.ts';
import { toolsSuite } from '../e2e/tools-suite.ts';
import { newStateDir, replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { expectExamples, IN_JAVASCRIPT, IN_PYTHON } from '../support/examples.ts';
import { postResponse } from '../support/responses-client.ts';
import { metricsSuite } from './metrics-suite.ts';

/** Two starts at once on two cores take one to three minutes. */
const START_TIMEOUT_MS = 300_000;
/** Seven Python programs beside the engines take minutes on two busy cores. */
const EXAMPLES_TIMEOUT_MS = 900_000;
const pythonClient = fileURLToPath(new URL('openai_client.py', import.meta.url));

describe('chorus serve with the real vLLM on the CPU', () => {
  let chorus: RunningChorus;
  const { CHORUS_TEST_PYTHON: python = '', CHORUS_TEST_MODEL: model = '' } = process.env;
  const flags = ['--engine', 'cpu', '--python', python, '--model-path', model];
  const stateDir = newStateDir();

  beforeAll(async () => {
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    const startedMs = performance.now();
    chorus = await startChorus([...flags, '--replicas', '2'], stateDir);
    const { engines } = await replicasReady(chorus, 2, START_TIMEOUT_MS);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    console.log(`vLLM ${engines[0]?.engineVersion}: ${engines.length} replicas ready after ${seconds} s`);
  });
  afterAll(async () => {
    if (chorus?.process.exitCode === null) await chorus.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  responsesSuite(() => chorus);
  toolsSuite(() => chorus);
  toolOutputsSuite(() => chorus);
  stateSuite(() => chorus);
  describe('the openai package for Node', () => {
    openaiClientSuite(() => new OpenAI({ baseURL: `${chorus.url}/v1`, apiKey: 'EMPTY', maxRetries: 0 }));
  });

  describe('the APIs that keep nothing', () => {
    chatSuite(() => chorus);
    completionsSuite(() => chorus);
    openaiChatSuite(() => new OpenAI({ baseURL: `${chorus.url}/v1`, apiKey: 'EMPTY', maxRetries: 0 }));
    it('are what the client library asks in harmony mode', async () => {
      const lm = new LM('gpt-oss-20b', { harmonyEndpoint: chorus.url, temperature: 0 });
      await lm.respond('My name is Ada.');
      expect((await lm.respond('What is my name?')).text).toBe('Your name is Ada.');
    });
  });

  describe('the client library', () => {
    lmSuite((options) => new LM('gpt-oss-20b', { baseURL: `${chorus.url}/v1`, temperature: 0, ...options }));
  });

  it('serves the openai package for Python', async () => {
    const { stdout } = await execa(python, [pythonClient, chorus.url]);
    expect(JSON.parse(stdout)).toEqual({
      create: '7 + 8 = 15.',
      stream: ['You said: naïve 🙂 世界 river', 'You said: naïve 🙂 世界 river'],
      tool_loop: ['{"location":"Paris"}', 'It is 21 degrees in Paris.'],
      parse: 36,
      state: ['Your name is Ada.', ['message', 'reasoning', 'message', 'message']],
      error: [400, 'model_not_found', 'model'],
      models: ['gpt-oss-20b', 'gpt-oss-120b'],
    });
  });

  it('answers every example as it is written', { timeout: EXAMPLES_TIMEOUT_MS }, async () => {
    await expectExamples({ ...IN_JAVASCRIPT, ...IN_PYTHON }, ['--url', chorus.url]);
  });

  let told = '';
  it('is told a name', async () => {
    const { body } = await postResponse(chorus.url, { input: 'My name is Ada.' });
    told = body.id;
  });

  serveSuite(() => chorus, { restartTimeoutMs: START_TIMEOUT_MS });

  let answeredTokens = 0;
  it('knows the name after a restart', async () => {
    chorus = await startChorus([...flags, '--replicas', '1', '--log-level', 'debug'], stateDir);
    const { body } = await postResponse(chorus.url, { input: 'What is my name?', previous_response_id: told });
    expect(body.output_text).toBe('Your name is Ada.');
    answeredTokens = body.usage?.output_tokens ?? 0;
  });

  metricsSuite(
    () => chorus,
    () => answeredTokens,
  );
});
