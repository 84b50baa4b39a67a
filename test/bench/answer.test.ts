import { expect, it } from 'vitest';
import { makeAnswer } from '../../scripts/bench/answer.ts';
import { AnswerBuffer } from '../../scripts/bench/answer-buffer.ts';
import { answerProblem } from '../../scripts/bench/check-answer.ts';
import { COUNTER, numbered } from '../../scripts/bench/requests.ts';
import { engineScript } from '../../scripts/bench/engine-script.ts';
import { createParser } from '../../src/harmony/parse.ts';
import { SseFrames } from '../../src/upstream/sse-frames.ts';
import { parseEngineChunk } from '../../src/upstream/engine-chunk.ts';
import { vocabulary } from '../support/vocabulary.ts';

const answer = makeAnswer(vocabulary, 3, 5);
const script = engineScript(answer.tokenIds, 1);
const stream = Buffer.concat([script.head, script.body]);

/** Feeds `bytes` in two pieces, cut at `at`. */
function read(bytes: Buffer, at: number): AnswerBuffer {
  const buffer = new AnswerBuffer();
  buffer.append(bytes, at);
  expect(buffer.complete).toBe(false);
  buffer.append(bytes.subarray(at), bytes.length - at);
  return buffer;
}

it('an answer of the stand-in engine is a thought and a text for the parser', () => {
  const heard: string[] = [];
  const parser = createParser(vocabulary);
  parser.push(answer.tokenIds, {
    onMessageStart: ({ channel }) => heard.push(`${channel}:`),
    onText: (text) => heard.push(text),
    onMessageEnd: ({ how, contentTokens }) => heard.push(`${how} after ${contentTokens}`),
  });
  expect(heard).toEqual(['analysis:', expect.any(String), 'end after 3', 'final:', answer.text, 'return after 5']);
  expect(answer.text.split(' ')).toHaveLength(6);
});

it('the frames of the stand-in engine carry every token, the finish and the usage', () => {
  const body = read(stream, 10).body();
  const tokenIds: number[] = [];
  const ends: unknown[] = [];
  new SseFrames().push(Buffer.from(body), (data) => {
    const chunk = parseEngineChunk(data);
    tokenIds.push(...(chunk?.choices?.[0]?.token_ids ?? []));
    if (chunk?.choices?.[0]?.finish_reason || chunk?.usage) ends.push(chunk.usage ?? chunk.choices?.[0]?.finish_reason);
    if (data === '[DONE]') ends.push(data);
  });
  expect(tokenIds).toEqual(answer.tokenIds);
  const total = { prompt_tokens: 100, completion_tokens: answer.tokenCount, total_tokens: 100 + answer.tokenCount };
  expect(ends).toEqual(['stop', { ...total, prompt_tokens_details: { cached_tokens: 0 } }, '[DONE]']);
});

it('each token ends where its frame ends', () => {
  const pieces = script.ends.slice(1).map((end, index) => script.body.toString('utf8', script.ends[index], end));
  expect(pieces.join('')).toBe(script.body.toString('utf8'));
  expect(pieces.map((piece) => /"token_ids":\[(\d+)\]/.exec(piece)?.[1])).toEqual(answer.tokenIds.map(String));
});

it('an answer cut anywhere is complete at its last byte and not before', () => {
  for (let at = 1; at < stream.length; at++) {
    const buffer = read(stream, at);
    expect(buffer.complete).toBe(true);
    expect(buffer.status).toBe(200);
    expect(answerProblem('tokens-stream', buffer.body(), answer)).toBe(null);
  }
  const whole = read(script.wholeAnswer, 50);
  expect(whole.complete).toBe(true);
  expect(answerProblem('tokens-json', whole.body(), answer)).toBe(null);
});

it('an answer buffer finds a mark in its body alone and forgets with its answer', () => {
  const buffer = read(stream, 10);
  expect(buffer.holds(`"token_ids":[${answer.firstWordId}]`)).toBe(true);
  expect(buffer.holds('text/event-stream')).toBe(false);
  buffer.reset();
  expect(buffer.holds(`"token_ids":[${answer.firstWordId}]`)).toBe(false);
  expect(buffer.complete).toBe(false);
});

const frame = (type: string, number: number, more = ''): string =>
  `event: ${type}\ndata: {"type":"${type}","sequence_number":${number}${more}}\n\n`;
const expected = { tokenCount: 8, text: ' one two' };
const whole = [
  frame('response.created', 0),
  frame('response.output_text.delta', 1, ',"delta":" one"'),
  frame('response.output_text.delta', 2, ',"delta":" two"'),
  frame('response.completed', 3),
];
const problemOf = (frames: readonly string[], end = 'data: [DONE]\n\n'): string | null =>
  answerProblem('responses-stream', frames.join('') + end, expected);

it('the check of a Responses stream misses nothing', () => {
  expect(problemOf(whole)).toBe(null);
  expect(problemOf([...whole.slice(0, 3), ': keep-alive\n\n', ...whole.slice(3)])).toBe(null);
  expect(problemOf(whole, '')).toBe('the stream does not end with [DONE]');
  expect(problemOf(whole.slice(0, 3))).toBe('the last event is response.output_text.delta');
  expect(problemOf(whole.toSpliced(1, 1))).toBe('event 1 has the number 2');
  expect(problemOf(whole.with(2, frame('response.output_text.delta', 2, ',"delta":" three"')))).toBe(
    'the deltas say " one three"',
  );
  expect(problemOf(whole.with(3, frame('response.failed', 3)))).toBe('the last event is response.failed');
});

it('the checks of the other answers count and compare', () => {
  const json = (text: string): string => JSON.stringify({ output_text: text });
  expect(answerProblem('responses-json', json(' one two'), expected)).toBe(null);
  expect(answerProblem('responses-json', json(' one'), expected)).toBe('the answer says " one"');
  const frames = 'data: {}\n\n'.repeat(8);
  expect(answerProblem('tokens-stream', `${frames}data: [DONE]\n\n`, expected)).toBe('7 events instead of 8');
  expect(answerProblem('tokens-stream', frames, expected)).toBe('the stream does not end with [DONE]');
  const ids = JSON.stringify({ choices: [{ token_ids: [1, 2] }] });
  expect(answerProblem('tokens-json', ids, expected)).toBe('2 tokens instead of 8');
});

it('each request has a number of its own, and as many bytes as the others', () => {
  const request = Buffer.from(`{"input":"${COUNTER} times"}`);
  expect([7, 12_345_678, 912_345_678].map((number) => numbered(request, number).toString())).toEqual([
    '{"input":"00000007 times"}',
    '{"input":"12345678 times"}',
    '{"input":"12345678 times"}',
  ]);
  expect(request.toString()).toContain(COUNTER);
  const plain = Buffer.from('{}');
  expect(numbered(plain, 1)).toBe(plain);
});
