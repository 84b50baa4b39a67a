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

  it.each(['', '{"choices":[', 'null', '17', '<html>'])('says null to %j', (data) => {
    expect(parseEngineChunk(data)).toBeNull();
  });

  const choice = (fields: object): object => ({ choices: [{ index: 0, ...fields }] });

  it.each([
    [],
    { choices: {} },
    { error: '', choices: {} },
    { choices: [null] },
    choice({ token_ids: 5 }),
    choice({ token_ids: 'abc' }),
    choice({ token_ids: [null] }),
    choice({ token_ids: [-1] }),
    choice({ token_ids: [1.5] }),
    choice({ token_ids: [1], logprobs: 5 }),
    choice({ token_ids: [1], logprobs: { content: 5 } }),
    choice({ token_ids: [1], logprobs: { content: [null] } }),
    choice({ token_ids: [1], logprobs: { content: [{ token_id: 1, logprob: 0, top_logprobs: [{ logprob: 0 }] }] } }),
    { choices: [], usage: 'all' },
    { choices: [], usage: { prompt_tokens: '2', completion_tokens: 2 } },
    { choices: [], usage: { prompt_tokens: 2, completion_tokens: 2, prompt_tokens_details: { cached_tokens: -1 } } },
  ])('says null to %j, which has the wrong shape', (chunk) => {
    expect(parseEngineChunk(JSON.stringify(chunk))).toBeNull();
  });

  it.each([
    {},
    { choices: null, usage: null },
    { error: 'of any shape', choices: 5 },
    choice({ token_ids: null, logprobs: null }),
    choice({ token_ids: [1], logprobs: { content: [{ token_id: 1, logprob: -1, rank: 1, top_logprobs: [] }] } }),
    { choices: [], usage: { prompt_tokens: 2, completion_tokens: 2, prompt_tokens_details: { cached_tokens: null } } },
  ])('takes %j', (chunk) => {
    expect(parseEngineChunk(JSON.stringify(chunk))).toEqual(chunk);
  });
});
