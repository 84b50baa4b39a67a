import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LM } from '../../src/client/index.ts';
import { lmSuite } from '../client/lm-suite.ts';
import { openEngineDoor, type EngineDoor } from '../support/engine-door.ts';
import { startVllm, type EngineProcess } from '../support/engine-process.ts';
import { tokenStreamContract } from '../upstream/token-stream-contract.ts';

describe('a real vLLM on the CPU', () => {
  let engine: EngineProcess;
  const { CHORUS_TEST_PYTHON: python, CHORUS_TEST_MODEL: model } = process.env;

  beforeAll(async () => {
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    engine = startVllm(python, model);
    await engine.ready;
  });
  afterAll(() => engine?.kill());

  describe('asked by the client library', () => {
    let door: EngineDoor;
    beforeAll(async () => {
      door = await openEngineDoor(engine.socketPath);
    });
    afterAll(() => door?.close());

    describe('in harmony mode', () => {
      lmSuite((options) => new LM('gpt-oss-20b', { harmonyEndpoint: door.url, temperature: 0, ...options }));
    });

    it('has an answer, its reasoning and its usage in chat mode, also in a stream', async () => {
      const lm = new LM('gpt-oss-20b', { baseURL: `${door.url}/v1`, mode: 'chat', temperature: 0 });
      const { text, reasoning, usage } = await lm.respond('What is 7 + 8?');
      expect([text, reasoning, usage?.reasoningTokens]).toEqual(['7 + 8 = 15.', 'Add 7 and 8.', 7]);
      const streamed = await lm.stream('What is 7 + 8?').result;
      expect([streamed.text, streamed.reasoning, streamed.usage?.reasoningTokens]).toEqual([text, reasoning, 7]);
    });
  });

  describe('as the gateway streams its tokens', () => tokenStreamContract(() => engine));
});
