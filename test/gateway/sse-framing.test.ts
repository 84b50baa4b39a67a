import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { SseReply } from '../../src/gateway/sse-reply.ts';
import { Flow } from '../../src/turn/attempt.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** With characters of two, three and four bytes. */
const EVENT = 'event: a\ndata: {"text":"caf\u00e9 \u{1f600}\u4e2d"}\n\n';
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

let server: Server;
let client: Socket;
/** What the engine's stream was told. */
let told: string[];

afterEach(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

/** Sends `requests` over one connection and opens a stream for each of them. */
async function open(requests: string, count: number): Promise<{ streams: SseReply[]; received: () => string }> {
  const streams: SseReply[] = [];
  told = [];
  const stream = { abort: () => {}, pause: () => told.push('pause'), resume: () => told.push('resume') };
  server = createServer((_, reply) => {
    const flow = new Flow();
    flow.attach(stream);
    const sse = new SseReply(reply, { flow, clock: new FakeClock() });
    sse.open({});
    streams.push(sse);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const pieces: Buffer[] = [];
  client.on('data', (bytes: Buffer) => pieces.push(bytes));
  client.write(requests);
  await eventually('the streams', 5000, () => (streams.length === count ? true : null));
  return { streams, received: () => Buffer.concat(pieces).toString() };
}

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** The bodies of the answers in `text`, as they were framed. */
const bodies = (text: string): string[] =>
  text
    .split(/(?=HTTP\/1\.1 200 OK\r\n)/)
    .filter((answer) => answer !== '')
    .map((answer) => answer.slice(answer.indexOf('\r\n\r\n') + 4));

async function bodiesAfter(received: () => string, end: string, count = 1): Promise<string[]> {
  await eventually('the end', 5000, () => (received().split(end).length > count ? true : null));
  return bodies(received());
}

it('each write is one chunk with its length in bytes', async () => {
  const { streams, received } = await open(GET, 1);
  for (let times = 0; times < 3; times++) streams[0]?.write(EVENT);
  streams[0]?.end();
  expect(await bodiesAfter(received, '\r\n0\r\n\r\n')).toEqual([`${chunk(EVENT).repeat(3)}0\r\n\r\n`]);
});

it('an answered connection takes the next request', async () => {
  const { streams, received } = await open(GET, 1);
  for (let times = 0; times < 2; times++) streams[0]?.write(EVENT);
  streams[0]?.end();
  await bodiesAfter(received, '\r\n0\r\n\r\n');
  client.write(GET);
  await eventually('the second stream', 5000, () => (streams.length === 2 ? true : null));
  for (let times = 0; times < 2; times++) streams[1]?.write('data: 2\n\n');
  streams[1]?.end();
  const framed = [EVENT, 'data: 2\n\n'].map((event) => `${chunk(event).repeat(2)}0\r\n\r\n`);
  expect(await bodiesAfter(received, '\r\n0\r\n\r\n', 2)).toEqual(framed);
});

it('a stream behind another one on its connection waits for its turn and loses nothing', async () => {
  const { streams, received } = await open(GET + GET, 2);
  const [first, second] = streams;
  for (let times = 0; times < 2; times++) second?.write(EVENT);
  for (let times = 0; times < 2; times++) first?.write('data: 1\n\n');
  first?.end();
  await bodiesAfter(received, '\r\n0\r\n\r\n');
  second?.write(EVENT);
  second?.end();
  const framed = [`${chunk('data: 1\n\n').repeat(2)}0\r\n\r\n`, `${chunk(EVENT).repeat(3)}0\r\n\r\n`];
  expect(await bodiesAfter(received, '\r\n0\r\n\r\n', 2)).toEqual(framed);
});

it('a client of HTTP/1.0 reads the frames bare, up to the end of the connection', async () => {
  const { streams, received } = await open('GET / HTTP/1.0\r\nhost: x\r\n\r\n', 1);
  for (let times = 0; times < 2; times++) streams[0]?.write(EVENT);
  streams[0]?.end();
  await once(client, 'end');
  expect(bodies(received())).toEqual([EVENT + EVENT]);
});

it('a socket that fills up after the first frames stops the engine once, and drained lets it go on', async () => {
  const { streams, received } = await open(GET, 1);
  streams[0]?.write('data: 1\n\n');
  await eventually('the first frame', 5000, () => (received().includes('data: 1') ? true : null));
  client.pause();
  const long = `data: ${'x'.repeat(1_000_000)}\n\n`;
  let sent = 0;
  for (; told.length === 0 && sent < 100; sent++) streams[0]?.write(long);
  streams[0]?.write(long);
  client.resume();
  await eventually('room again', 5000, () => (told.includes('resume') ? true : null));
  streams[0]?.write('data: 3\n\n');
  streams[0]?.end();
  const framed = [`${chunk('data: 1\n\n')}${chunk(long).repeat(sent + 1)}${chunk('data: 3\n\n')}0\r\n\r\n`];
  expect((await bodiesAfter(received, '\r\n0\r\n\r\n'))[0] === framed[0]).toBe(true);
  expect(told.filter((word) => word === 'resume')).toEqual(['resume']);
});
