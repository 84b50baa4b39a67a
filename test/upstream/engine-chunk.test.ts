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
});
