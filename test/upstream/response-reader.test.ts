import { describe, expect, it } from 'vitest';
import { ResponseReader } from '../../src/upstream/response-reader.ts';

interface Reading {
  readonly statuses: readonly number[];
  readonly body: string;
  readonly state: string;
  readonly keepAlive: boolean;
}

/** Feeds the pieces through one buffer that is overwritten in between, as a connection does. */
function read(pieces: readonly Buffer[]): Reading & { readonly reader: ResponseReader } {
  const shared = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)));
  const statuses: number[] = [];
  let body = '';
  const reader = new ResponseReader({
    onHead: (status) => void statuses.push(status),
    onBody: (bytes, start, end) => void (body += bytes.toString('latin1', start, end)),
  });
  let state = 'more';
  for (const piece of pieces) {
    shared.fill('z');
    piece.copy(shared);
    state = reader.push(shared, piece.length);
  }
  return { statuses, body, state, keepAlive: reader.keepAlive, reader };
}

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const RESPONSES: readonly (readonly [name: string, text: string, reading: Reading])[] = [
  [
    'in chunks, after a provisional one, with extensions and trailers',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n' +
      `${CHUNKED}5\r\nhello\r\n0c;name="value"\r\n, big\r\nworld\r\n1 \r\n!\r\n0;last\r\nx-trailer: 1\r\ny: 2\r\n\r\n`,
    { statuses: [200], body: 'hello, big\r\nworld!', state: 'complete', keepAlive: true },
  ],
  [
    'with a length',
    'HTTP/1.1 503 Busy\r\ncontent-length: 6\r\n\r\nabc\r\nd',
    { statuses: [503], body: 'abc\r\nd', state: 'complete', keepAlive: true },
  ],
  [
    'without a body',
    'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
    { statuses: [200], body: '', state: 'complete', keepAlive: false },
  ],
  [
    'that lasts as long as its connection',
    'HTTP/1.1 200 OK\r\n\r\nall that comes',
    { statuses: [200], body: 'all that comes', state: 'more', keepAlive: false },
  ],
];

describe.each(RESPONSES)('a response %s', (_, text, reading) => {
  const bytes = Buffer.from(text, 'latin1');

  it('is the same wherever it is cut in two', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0);
      expect(read(pieces), `cut at ${cut}`).toMatchObject(reading);
    }
  });

  it('is the same byte by byte', () => {
    expect(read([...bytes].map((byte) => Buffer.of(byte)))).toMatchObject(reading);
  });

  it('is complete with its last byte and not before', () => {
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(read([bytes.subarray(0, cut)]).state, `cut at ${cut}`).toBe('more');
    }
  });
});

describe('the end of the connection', () => {
  it('completes a response that has no other end, and no other', () => {
    const completed = (text: string): boolean => read([Buffer.from(text)]).reader.endOfConnection();
    expect(completed('HTTP/1.1 200 OK\r\n\r\nabc')).toBe(true);
    expect(completed('HTTP/1.1 200 OK\r\n\r\n')).toBe(true);
    expect(completed('HTTP/1.1 200 OK\r\n')).toBe(false);
    expect(completed(`${CHUNKED}3\r\nabc\r\n`)).toBe(false);
    expect(completed('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc')).toBe(false);
  });
});

describe('bytes after the response', () => {
  it('spoil the connection and nothing else', () => {
    const response = 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na';
    expect(read([Buffer.from(`${response}HTTP/1.1`)])).toMatchObject({
      body: 'a',
      state: 'complete',
      keepAlive: false,
    });
    expect(read([Buffer.from(response), Buffer.from('x')])).toMatchObject({ body: 'a', keepAlive: false });
  });
});

describe('what is no response', () => {
  const long = 'x'.repeat(17_000);
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH', 'it is no HTTP/1.1'],
    ['another protocol, from its first byte', 'h', 'it is no HTTP/1.1'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nx: ${long}`, 'its head is too long'],
    ['a head that is too long', `HTTP/1.1 200 OK\r\nx: ${long}\r\n\r\n`, 'its head is too long'],
    ['a head that makes no sense', 'HTTP/1.1 abc\r\n\r\n', 'the status line is "HTTP/1.1 abc"'],
    ['an end of HTTP', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n', 'it switches protocols'],
    ['a chunk without a size', `${CHUNKED}\r\n`, 'a chunk is malformed'],
    ['a chunk of a strange size', `${CHUNKED}-5\r\n`, 'a chunk is malformed'],
    ['a chunk of any size', `${CHUNKED}${'f'.repeat(13)}\r\n`, 'a chunk is malformed'],
    ['a size line without CR', `${CHUNKED}5\nhello`, 'a chunk is malformed'],
    ['a size line with CR alone', `${CHUNKED}5\rhello`, 'a chunk is malformed'],
    ['a bare LF in an extension', `${CHUNKED}5;a\nhello`, 'a chunk is malformed'],
    ['a chunk longer than its size', `${CHUNKED}4\r\nhello\r\n`, 'a chunk is malformed'],
    ['a chunk without its last LF', `${CHUNKED}5\r\nhello\rx`, 'a chunk is malformed'],
    ['an extension without an end', `${CHUNKED}5;${long}`, 'a chunk is malformed'],
    ['trailers without an end', `${CHUNKED}0\r\n${'a: b\r\n'.repeat(3000)}`, 'a chunk is malformed'],
    ['an end without its LF', `${CHUNKED}0\r\n\rx`, 'a chunk is malformed'],
  ])('is told: %s', (_, text, problem) => {
    const bytes = Buffer.from(text);
    for (const pieces of [[bytes], [...bytes].map((byte) => Buffer.of(byte))]) {
      const { state, reader } = read(pieces);
      expect(state).toBe('malformed');
      expect(reader.problem).toBe(`the engine’s response cannot be read: ${problem}`);
    }
  });
});
