import { describe, expect, it } from 'vitest';
import { parseResponseHead } from '../../src/upstream/response-head.ts';

const head = (...lines: readonly string[]): string => ['HTTP/1.1 200 OK', ...lines].join('\r\n');

describe('the head of a response', () => {
  it.each([
    ['chunks', head('Transfer-Encoding: Chunked'), { kind: 'chunked' }, true],
    ['a length', head('content-length:  12 '), { kind: 'length', bytes: 12 }, true],
    ['a length and a last use', head('content-length: 0', 'Connection: Close'), { kind: 'length', bytes: 0 }, false],
    ['several options', head('content-length: 0', 'connection: te, close'), { kind: 'length', bytes: 0 }, false],
    ['neither chunks nor a length', head('server: uvicorn'), { kind: 'until_close' }, false],
    ['an empty field', head('x-empty:', 'content-length: 1'), { kind: 'length', bytes: 1 }, true],
    ['an old version', 'HTTP/1.0 200 OK\r\ncontent-length: 3', { kind: 'length', bytes: 3 }, false],
  ])('with %s', (_, text, framing, keepAlive) => {
    expect(parseResponseHead(text)).toEqual({ status: 200, framing, keepAlive, retryAfterSeconds: null });
  });

  it('needs no reason phrase', () => {
    expect(parseResponseHead('HTTP/1.1 503 \r\ncontent-length: 1')).toMatchObject({ status: 503 });
    expect(parseResponseHead('HTTP/1.1 503\r\ncontent-length: 1')).toMatchObject({ status: 503 });
  });

  it.each([204, 304])('has no body with status %i', (status) => {
    expect(parseResponseHead(`HTTP/1.1 ${status} X`)).toEqual({
      status,
      framing: { kind: 'length', bytes: 0 },
      keepAlive: true,
      retryAfterSeconds: null,
    });
  });

  it.each([
    ['', 'the status line is ""'],
    ['HTTP/2 200 OK', 'the status line is "HTTP/2 200 OK"'],
    ['HTTP/1.1 20 OK', 'the status line is "HTTP/1.1 20 OK"'],
    ['HTTP/1.1 600 OK', 'the status line is "HTTP/1.1 600 OK"'],
    [head('no colon'), 'a header line is "no colon"'],
    [head('a: b', ' folded'), 'a header line is " folded"'],
    [head('space : b'), 'a header line is "space : b"'],
    [head('a: b\nc: d'), 'a header line is "a: b\\nc: d"'],
    [head('content-length: 1', 'content-length: 2'), 'content length 1, 2'],
    [head('content-length: -1'), 'content length -1'],
    [head('content-length: 1', 'transfer-encoding: chunked'), 'both a transfer encoding and a length'],
    [head('transfer-encoding: gzip, chunked'), 'transfer encoding gzip, chunked'],
  ])('is none: %j', (text, problem) => {
    expect(parseResponseHead(text)).toEqual({ problem });
  });
});
