import { describe, expect, it } from 'vitest';
import { parseEngineChunk } from '../../src/upstream/engine-chunk.ts';

describe('reading a frame', () => {
  it('leaves a long echoed prompt out and keeps the rest', () => {
    const echo = Array.from({ length: 3000 }, (_, index) => index);
    const data = JSON.stringify({ choices: [{ index: 0, text: 'a', prompt_token_ids: echo, token_ids: [200005] }] });
    expect(parseEngineChunk(data)).toEqual({
      choices: [{ index: 0, text: 'a', prompt_token_ids: [], token_ids: [200005] }],
    });
  });

  it('does not take text that looks like an echoed prompt for one', () => {
    const chunk = { choices: [{ index: 0, text: '"prompt_token_ids":[1,2] '.repeat(300), token_ids: [7] }] };
    expect(parseEngineChunk(JSON.stringify(chunk))).toEqual(chunk);
  });

  describe('as vLLM spells a token', () => {
    const nothing = { routed_experts: null, sampling_mask: null, weight_versions: null, logprobs: null };
    const choice = { index: 0, finish_reason: null, stop_reason: null, token_ids: [35644], ...nothing };
    const token = { request_id: 'generate-tokens-resp_0a1b', usage: null, output_mode: 'tokens', choices: [choice] };

    it('takes the id from one that brings nothing else', () => {
      expect(parseEngineChunk(JSON.stringify(token))).toEqual({ choices: [{ index: 0, token_ids: [35644] }] });
    });

    it.each([
      ['the last', { ...choice, finish_reason: 'stop', stop_reason: 200012 }],
      ['two at once', { ...choice, token_ids: [1, 2] }],
      ['none', { ...choice, token_ids: [] }],
      ['one with log probabilities', { ...choice, logprobs: { content: [{ token_id: 35644, logprob: -0.5 }] } }],
      ['one of another choice', { ...choice, index: 1 }],
      ['one with a key more', { ...choice, more: 1 }],
    ])('takes %s whole', (_, other) => {
      const chunk = { ...token, choices: [other] };
      expect(parseEngineChunk(JSON.stringify(chunk))).toEqual(chunk);
    });

    it('takes one with usage, or spelled with spaces, whole', () => {
      const counted = { ...token, usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
      expect(parseEngineChunk(JSON.stringify(counted))).toEqual(counted);
      expect(parseEngineChunk(JSON.stringify(token, null, 1))).toEqual(token);
    });

    it('is not fooled by what looks like it in part', () => {
      expect(parseEngineChunk(JSON.stringify(token).slice(0, -1))).toBeNull();
      expect(parseEngineChunk(`${JSON.stringify(token)}}`)).toBeNull();
    });
  });

  it.each(['', '{"choices":[', 'null', '17', '<html>'])('says null to %j', (data) => {
    expect(parseEngineChunk(data)).toBeNull();
  });
});
