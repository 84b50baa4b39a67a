import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SseReply } from '../../src/gateway/sse-reply.ts';
import { Flow } from '../../src/turn/attempt.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('SseReply', () => {
  let server: Server;
  let client: Socket;
  let reply: ServerResponse;
  let received: string;
  const clock = new FakeClock();
  const state = { paused: false };

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    received = '';
    client.on('data', (bytes) => (received += bytes.toString()));
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    [, reply] = (await once(server, 'request')) as [unknown, ServerResponse];
  });
  afterEach(() => {
    client.destroy();
    server.close();
  });

  function open(): SseReply {
    const flow = new Flow();
    flow.attach({ pause: () => (state.paused = true), resume: () => (state.paused = false) });
    const sse = new SseReply(reply, { flow, clock });
    sse.open({ 'x-request-id': 'req_1' });
    return sse;
  }

  /** Fills the socket of a client that does not read. */
  async function fill(sse: SseReply): Promise<void> {
    client.pause();
    await eventually('a full socket', 5000, () => {
      sse.write(`data: ${'x'.repeat(1 << 20)}\n\n`);
      return state.paused ? true : null;
    });
  }

  it('sends its headers at once and each write as it comes', async () => {
    const sse = open();
    sse.write('data: 1\n\n');
    await eventually('the first frame', 5000, () => (received.includes('data: 1\n\n') ? true : null));
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\nx-request-id: req_1\r\ncontent-type: text\/event-stream/);
    sse.end();
    await once(client, 'data');
    expect(received).toMatch(/0\r\n\r\n$/);
  });

  it('fills a silence of ten seconds with a comment, and only a silence', async () => {
    const sse = open();
    clock.advance(9000);
    sse.write('data: 1\n\n');
    clock.advance(9000);
    sse.write('data: 2\n\n');
    clock.advance(10_000);
    await eventually('the comment', 5000, () => (received.includes('\n: keep-alive') ? true : null));
    expect(received.match(/\n: keep-alive/g)).toHaveLength(1);
    sse.end();
    expect(clock.pendingTimers).toBe(0);
  });

  it('stops the engine’s stream while the client’s socket is full and goes on when it has room', async () => {
    const sse = open();
    await fill(sse);
    expect(state.paused).toBe(true);
    client.resume();
    await eventually('the drained socket', 5000, () => (state.paused ? null : true));
    sse.end();
  });

  it('cuts off a client that reads nothing for a minute', async () => {
    const sse = open();
    await fill(sse);
    clock.advance(59_999);
    expect(reply.destroyed).toBe(false);
    clock.advance(1);
    expect(reply.destroyed).toBe(true);
    await once(reply, 'close');
    sse.write('data: late\n\n');
    expect(clock.pendingTimers).toBe(0);
  });
});
