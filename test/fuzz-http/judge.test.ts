import { describe, expect, it } from 'vitest';
import { exchangeProblems } from '../../scripts/fuzz-http/judge.ts';
import type { FuzzRequest } from '../../scripts/fuzz-http/make-request.ts';
import { readAnswers } from '../../scripts/fuzz-http/read-answers.ts';
import { CodedError } from '../../src/domain/errors.ts';

const request = (text = 'POST /v1/responses', methods = ['POST']): FuzzRequest => ({
  bytes: Buffer.from(text),
  methods,
  mayStaySilent: false,
  halfClose: false,
});

function judge(status: number, body: string, contentType = 'application/json', asked = request()): string[] {
  const answer = { status, contentType, body, method: 'POST' };
  return exchangeProblems(asked, { answers: [answer], rest: '', end: 'answered' });
}

const bodyOf = (error: CodedError): string => JSON.stringify(error.toBody());

describe('the judge of answers', () => {
  it('accepts errors of the table', () => {
    expect(judge(400, bodyOf(new CodedError('bad_json', 'No.')))).toEqual([]);
    expect(judge(404, bodyOf(new CodedError('not_found', 'No.', { param: 'model' })))).toEqual([]);
  });

  it('rejects errors in another shape, of another status, or without an explanation', () => {
    const failed = bodyOf(new CodedError('internal', 'Oh.'));
    expect(judge(400, '{"statusCode":400,"error":"Bad Request"}')).toEqual([
      '400 in another shape: {"statusCode":400,"error":"Bad Request"}',
    ]);
    expect(judge(417, '', '')).toEqual(["417 of type ''", '417 whose body is no error object: ']);
    expect(judge(500, failed)).toEqual(['unexplained 500']);
    expect(judge(400, failed)).toEqual(['400 of type server_error and code server_error is no row of the error table']);
    const extra = '{"error":{"message":"","type":"invalid_request_error","param":3,"code":null,"more":1}}';
    expect(judge(400, extra)).toEqual(['400 without a message', '400 with param 3', '400 with the keys more']);
  });

  it('accepts a 503 of the model that is not served, and no other', () => {
    const body = bodyOf(new CodedError('model_not_served', 'Not here.'));
    expect(judge(503, body, 'application/json', request('{"model":"gpt-oss-120b"}'))).toEqual([]);
    expect(judge(503, body)).toEqual(['unexplained 503']);
  });

  it('reads streams by the rules of their order', () => {
    expect(judge(200, 'data: [DONE]\n\n', 'text/event-stream; charset=utf-8')).toEqual([
      'the first event is not response.created',
      'the second event is not response.in_progress',
      'the last event is undefined',
    ]);
    expect(judge(200, 'data: {}\n\n', 'text/event-stream')).toEqual([
      'unreadable: not a frame of one event line and one data line: "data: {}"',
    ]);
  });

  it('looks into response objects', () => {
    const usage = { total_tokens: 3 };
    const id = `resp_${'0'.repeat(48)}`;
    const whole = { object: 'response', id, status: 'completed', output: [], usage, output_text: '' };
    expect(judge(200, JSON.stringify(whole))).toEqual([]);
    expect(judge(200, JSON.stringify({ ...whole, status: 'failed', usage: null }))).toEqual([
      'status "failed"',
      'total_tokens undefined',
    ]);
    expect(judge(200, '{"object":"list"}')).toEqual([]);
    expect(judge(204, '')).toEqual(['status 204']);
  });

  it('misses an answer that did not come', () => {
    const none = { answers: [], rest: '' };
    expect(exchangeProblems(request(), { ...none, end: 'late' })).toEqual(['no answer in time']);
    expect(exchangeProblems(request(), { ...none, end: 'closed' })).toEqual(['closed without an answer']);
    expect(exchangeProblems(request(), { ...none, end: 'reset' })).toEqual(['reset without an answer']);
    expect(exchangeProblems(request('x'.repeat(20_000)), { ...none, end: 'reset' })).toEqual([]);
    expect(exchangeProblems({ ...request(), mayStaySilent: true }, { ...none, end: 'closed' })).toEqual([]);
    expect(exchangeProblems(request(), { answers: [], rest: 'HTTP/1.1 2', end: 'closed' })).toEqual([
      'closed without an answer',
      'half an answer: HTTP/1.1 2',
    ]);
  });
});

describe('the reader of answers', () => {
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n';
  const sized = 'HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';
  const bodies = (text: string, methods: string[], closed = false): string[] =>
    readAnswers(Buffer.from(text), methods, closed).answers.map(({ status, body }) => `${status} ${body}`);

  it('takes pipelined answers apart, interim ones skipped', () => {
    const text = `HTTP/1.1 100 Continue\r\n\r\n${chunked}${sized}rest`;
    expect(bodies(text, ['POST', 'GET'])).toEqual(['200 abcde', '404 {}']);
    expect(readAnswers(Buffer.from(text), ['POST', 'GET'], false).rest).toBe('rest');
    expect(bodies(`${sized.slice(0, -2)}${chunked}`, ['HEAD', 'GET'])).toEqual(['404 ', '200 abcde']);
  });

  it('waits for the rest of an answer wherever it is cut', () => {
    for (const text of [chunked, sized]) {
      for (let at = 0; at < text.length; at++) expect(bodies(text.slice(0, at), ['GET'])).toEqual([]);
    }
  });

  it('ends a body without a length with the connection', () => {
    const text = 'HTTP/1.1 400 Bad Request\r\n\r\nno';
    expect(bodies(text, ['GET'])).toEqual([]);
    expect(bodies(text, ['GET'], true)).toEqual(['400 no']);
  });
});
