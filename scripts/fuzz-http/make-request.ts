import type { Random } from '../harmony/random.ts';
import { hostileValue, mutate, spell } from './mutate.ts';
import { validBody, type Json } from './valid-body.ts';

/** What is sent over one connection, and what may come back. */
export interface FuzzRequest {
  readonly bytes: Buffer;
  /** One for each request in `bytes`: an answer to `HEAD` has no body. */
  readonly methods: readonly string[];
  /** The server may close without an answer: the bytes are no whole request. */
  readonly mayStaySilent: boolean;
  /** The client closes its side after sending. */
  readonly halfClose: boolean;
}

interface Parts {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const NOTHING = Buffer.alloc(0);
const QUERIES = [
  '?stream=true',
  '?stream=false',
  '?stream=1',
  '?stream=maybe',
  '?stream=true&stream=false',
  '?stream',
  '?__proto__=1&constructor=2',
  '?a[b][c]=d&a=%00',
  '?%zz=%',
  `?${'x=1&'.repeat(500)}`,
];
const OTHER_TARGETS = [
  '/v1/models',
  '/api/v1/models/',
  '/v1/models/gpt-oss-20b',
  '/v1/models/openai/gpt-oss-120b',
  '/v1/models/nothing',
  '/v1/models/%2e%2e%2f',
  '/v1/models/%zz',
  `/v1/models/${'x'.repeat(3000)}`,
  '/v1/responses',
  '/v1/responses/resp_1',
  '/v1/responses/resp_1/cancel',
  '/v1/chat/completions',
  '/livez',
  '/readyz',
  '/version',
  '/admin/status',
  '/',
  '//',
  '/v1/../admin/status',
  '*',
  'http://127.0.0.1/v1/models',
  '/\u00e9',
];
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'POST', 'TRACE', 'BREW'];
const ODD_HEADERS = [
  'authorization: Basic Zm9vOmJhcg==',
  'authorization: Bearer',
  'host: evil.example',
  'origin: http://evil.example',
  'origin: null',
  'accept: text/html',
  'accept-encoding: br, gzip',
  'content-encoding: gzip',
  'expect: 100-continue',
  'expect: the-unexpected',
  'connection: close',
  'connection: upgrade\r\nupgrade: websocket',
  'x-request-id: a\tb',
  'x-forwarded-for: 10.0.0.1',
  'idempotency-key: k',
  `x-long: ${'y'.repeat(6_000)}`,
  `x-too-long: ${'y'.repeat(40_000)}`,
  `x-many: 1\r\n${'x-n: 1\r\n'.repeat(300)}x-last: 1`,
  'bad header line',
  'x\u0000y: 1',
  ': empty name',
  'x-folded: a\r\n  b',
];
const CONTENT_TYPES = [
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'application/json; charset=utf-16',
  'application/json;',
  'text/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application',
  '',
];

/** The request of one case: mostly a body for `/responses`, whole or broken, else another route or odd HTTP. */
export function makeRequest(random: Random): FuzzRequest {
  const kind = random.below(100);
  if (kind < 65) return whole([responsesRequest(random)]);
  if (kind < 78) return whole([otherRequest(random)]);
  if (kind < 84) return whole(random.times(random.between(2, 4), () => pipelined(random)));
  if (kind < 92) return chunked(random, responsesRequest(random));
  return wrongLength(random, responsesRequest(random));
}

function responsesRequest(random: Random): Parts {
  const valid = validBody(random);
  const body = random.chance(30) ? valid : mutate(random, valid);
  const target = random.pick(['/v1/responses', '/v1/responses', '/api/v1/responses', '/v1/responses/']);
  const query = random.chance(15) ? random.pick(QUERIES) : '';
  const contentType = random.chance(8) ? random.pick(CONTENT_TYPES) : 'application/json';
  const headers = [
    'authorization: Bearer EMPTY',
    ...(contentType === '' ? [] : [`content-type: ${contentType}`]),
    ...(random.chance(12) ? [random.pick(ODD_HEADERS)] : []),
  ];
  return { method: 'POST', target: target + query, headers, body: spell(random, body) };
}

function otherRequest(random: Random): Parts {
  const method = random.pick(METHODS);
  const target = random.pick(OTHER_TARGETS) + (random.chance(30) ? random.pick(QUERIES) : '');
  const withBody = !['GET', 'HEAD', 'TRACE'].includes(method) || random.chance(10);
  const body: Json = random.chance(50) ? validBody(random) : hostileValue(random);
  const headers = [
    ...(withBody && random.chance(80) ? ['content-type: application/json'] : []),
    ...(random.chance(20) ? [random.pick(ODD_HEADERS)] : []),
  ];
  return { method, target, headers, body: withBody ? spell(random, body) : NOTHING };
}

/** Nothing that ends the connection: the next one is to be answered too. */
function pipelined(random: Random): Parts {
  if (random.chance(30))
    return { method: 'GET', target: random.pick(['/v1/models', '/livez', '/nothing']), headers: [], body: NOTHING };
  const body = random.chance(60) ? validBody(random) : mutate(random, validBody(random));
  const json = Buffer.from(JSON.stringify(body).replaceAll(/"\\u0001deep\d+"/g, '[[]]'));
  return { method: 'POST', target: '/v1/responses', headers: ['content-type: application/json'], body: json };
}

const HOST = 'host: 127.0.0.1';

/** Our own `host` comes first: one in `headers` is a second one, which is refused. */
const head = ({ method, target, headers }: Parts, framing: readonly string[]): Buffer =>
  Buffer.from(`${[`${method} ${target} HTTP/1.1`, HOST, ...headers, ...framing].join('\r\n')}\r\n\r\n`);

function whole(requests: readonly Parts[]): FuzzRequest {
  const bytes = requests.flatMap((parts) => [
    head(parts, parts.body.length > 0 ? [`content-length: ${parts.body.length}`] : []),
    parts.body,
  ]);
  const methods = requests.map(({ method }) => method);
  return { bytes: Buffer.concat(bytes), methods, mayStaySilent: false, halfClose: false };
}

function chunked(random: Random, parts: Parts): FuzzRequest {
  const pieces: Buffer[] = [];
  for (let at = 0; at < parts.body.length;) {
    const size = random.pick([1, 7, 1000, 100_000]);
    const piece = parts.body.subarray(at, at + size);
    pieces.push(
      Buffer.from(`${piece.length.toString(16)}${random.pick(['', '', ';ext=1'])}\r\n`),
      piece,
      Buffer.from('\r\n'),
    );
    at += Math.max(size, Math.floor(parts.body.length / 50));
  }
  const broken = random.chance(30);
  const end = broken ? random.pick(['zz\r\n', '0\r\n', '', '-1\r\n', 'ffffffffffffffffff\r\n']) : '0\r\n\r\n';
  const framing = [
    'transfer-encoding: chunked',
    ...(random.chance(10) ? [`content-length: ${parts.body.length}`] : []),
  ];
  const bytes = Buffer.concat([head(parts, framing), ...pieces, Buffer.from(end)]);
  return { bytes, methods: [parts.method], mayStaySilent: broken, halfClose: broken };
}

/** A length that promises more or less than comes; the client then closes its side, so that nobody waits. */
function wrongLength(random: Random, parts: Parts): FuzzRequest {
  const { length } = parts.body;
  const claimed = random.pick([
    `${length + 10}`,
    `${Math.max(0, length - 10)}`,
    '0',
    '-5',
    '1e3',
    '999999999999',
    `${length}, ${length}`,
  ]);
  const bytes = Buffer.concat([head(parts, [`content-length: ${claimed}`]), parts.body]);
  return { bytes, methods: [parts.method], mayStaySilent: true, halfClose: true };
}
