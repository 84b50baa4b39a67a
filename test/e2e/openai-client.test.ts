import OpenAI from 'openai';
import { afterAll, beforeAll, describe } from 'vitest';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { openaiChatSuite } from './openai-chat-suite.ts';
import { openaiClientSuite } from './openai-client-suite.ts';

describe('the openai package for Node against the simulator', () => {
  let chorus: RunningChorus;
  beforeAll(async () => {
    chorus = await startChorus(['--engine', 'simulated', '--replicas', '1']);
    await replicasReady(chorus, 1, 30_000);
  });
  afterAll(() => chorus.stop());

  const client = (): OpenAI => new OpenAI({ baseURL: `${chorus.url}/v1`, apiKey: 'EMPTY', maxRetries: 0 });
  openaiClientSuite(client);
  openaiChatSuite(client);
});
