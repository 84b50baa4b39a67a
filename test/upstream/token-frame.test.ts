import { describe, expect, it } from 'vitest';
import { TokenFrame } from '../../src/upstream/token-frame.ts';

const nothing = { routed_experts: null, sampling_mask: null, weight_versions: null, logprobs: null };
const choice = { index: 0, finish_reason: null, stop_reason: null, token_ids: [35644], ...nothing };
const token = { request_id: 'generate-tokens-resp_0a1b', usage: null, output_mode: 'tokens', choices: [choice] };
const withIds = (...tokenIds: readonly number[]): string =>
  JSON.stringify({ ...token, choices: [{ ...choice, token_ids: tokenIds }] });
const event = (data: string): Buffer => Buffer.from(`data: ${data}\n\n`);

const learned = (): TokenFrame => {
  const frame = new TokenFrame();
  frame.learn(withIds(5));
  return frame;
};

describe('learning from a frame as vLLM spells a token', () => {
  it('takes the id from one that brings nothing else', () => {
    expect(new TokenFrame().learn(JSON.stringify(token))).toBe(35644);
  });

  it.each([
    ['the last', { ...choice, finish_reason: 'stop', stop_reason: 200012 }],
    ['two at once', { ...choice, token_ids: [1, 2] }],
    ['none', { ...choice, token_ids: [] }],
    ['one with log probabilities', { ...choice, logprobs: { content: [{ token_id: 35644, logprob: -0.5 }] } }],
    ['one of another choice', { ...choice, index: 1 }],
    ['one with a key more', { ...choice, more: 1 }],
  ])('leaves %s to be parsed', (_, other) => {
    expect(new TokenFrame().learn(JSON.stringify({ ...token, choices: [other] }))).toBeNull();
  });

  it('leaves one with usage, or spelled otherwise, to be parsed', () => {
    const counted = { ...token, usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
    for (const data of [JSON.stringify(counted), JSON.stringify(token, null, 1), '', '[DONE]']) {
      expect(new TokenFrame().learn(data)).toBeNull();
    }
    expect(new TokenFrame().learn(JSON.stringify(token).slice(0, -1))).toBeNull();
    expect(new TokenFrame().learn(`${JSON.stringify(token)}}`)).toBeNull();
  });
});

describe('reading the bytes of the next frames', () => {
  it('finds nothing before it has learned', () => {
    const bytes = event(withIds(5));
    expect(new TokenFrame().read(bytes, 0, bytes.length)).toBeNull();
  });

  it.each([0, 7, 35644, 201087, 999_999])('finds id %i and where its frame ends, amid other bytes', (tokenId) => {
    const frame = learned();
    const bytes = Buffer.concat([Buffer.from('xx'), event(withIds(tokenId)), Buffer.from('yy')]);
    expect(frame.read(bytes, 2, bytes.length)).toBe(tokenId);
    expect(frame.end).toBe(bytes.length - 2);
  });

  it('finds nothing in a frame that is not whole, wherever it is cut, even if its rest stands behind', () => {
    const frame = learned();
    const bytes = event(withIds(123456));
    for (let end = 0; end < bytes.length; end++) {
      expect(frame.read(bytes, 0, end), `cut at ${end}`).toBeNull();
      expect(frame.read(bytes.subarray(0, end), 0, end), `nothing after ${end}`).toBeNull();
    }
    expect(frame.read(bytes, 0, bytes.length)).toBe(123456);
  });

  it('finds nothing in a frame that differs in any byte but the id’s', () => {
    const frame = learned();
    const bytes = event(withIds(77));
    const idAt = bytes.indexOf('[77]') + 1;
    for (let at = 0; at < bytes.length; at++) {
      const other = Buffer.from(bytes);
      other[at] = 1;
      expect(frame.read(other, 0, other.length), `another byte at ${at}`).toBeNull();
    }
    for (const ids of ['', '1,2', '1234567', '-1', '1.5', ' 1']) {
      const other = Buffer.concat([bytes.subarray(0, idAt), Buffer.from(ids), bytes.subarray(idAt + 2)]);
      expect(frame.read(other, 0, other.length), ids).toBeNull();
    }
  });
});
