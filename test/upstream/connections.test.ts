import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Connections } from '../../src/upstream/connections.ts';
import type { Exchange } from '../../src/upstream/exchange.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';

const REQUEST = 'POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n';
const answer = (body: string, ...fields: readonly string[]): string =>
  `${['HTTP/1.1 200 OK', `content-length: ${body.length}`, ...fields].join('\r\n')}\r\n\r\n${body}`;

interface Heard {
  readonly exchange: Exchange;
  /** The body so far. */
  readonly body: () => string;
  /** Resolves at the end with the body, or with the failure's reason and message. */
  readonly end: Promise<string | readonly [reason: string, message: string]>;
  /** Resolves when something has come. */
  readonly begun: Promise<void>;
}

describe.each(['unix', 'tcp'] as const)('connections over %s', (kind) => {
  let clock: FakeClock;
  let server: RawServer;
  let connections: Connections;

  afterEach(async () => {
    await connections.close();
    await server.close();
    expect(clock.pendingTimers).toBe(0);
  });

  /** `onRequest` is called with every request's socket, its connection's number and the number of the request on it. */
  async function start(onRequest: (socket: Socket, connection: number, request: number) => void): Promise<void> {
    clock = new FakeClock();
    server = await startRawServer(kind, (socket, connection) => {
      let received = '';
      let requests = 0;
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        if (!received.endsWith(REQUEST)) return;
        received = '';
        onRequest(socket, connection, requests++);
      });
    });
    connections = new Connections(server.address, clock);
  }

  function send(request = REQUEST): Heard {
    let body = '';
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<string | readonly [string, string]>();
    const exchange = connections.send(request, {
      onHead: () => begun.resolve(),
      onBody: (bytes, start, end) => void (body += bytes.toString('latin1', start, end)),
      onRead: () => {},
      onComplete: () => ended.resolve(body),
      onFailed: (reason, message) => ended.resolve([reason, message]),
    });
    return { exchange, body: () => body, end: ended.promise, begun: begun.promise };
  }

  const echoNumbers = (socket: Socket, connection: number, request: number): void =>
    void socket.write(answer(`${connection}.${request}`));

  it('are used again, and opened as they are needed', async () => {
    await start(echoNumbers);
    expect(await send().end).toBe('0.0');
    expect(await send().end).toBe('0.1');
    expect(await Promise.all([send().end, send().end])).toEqual(['0.2', '1.0']);
    expect(server.sockets).toHaveLength(2);
  });

  it('are as many as there are requests at a time', async () => {
    await start(echoNumbers);
    const all = await Promise.all(Array.from({ length: 500 }, () => send().end));
    expect(new Set(all).size).toBe(500);
    expect(server.sockets).toHaveLength(500);
  });

  it('end once they were idle for four seconds', async () => {
    await start(echoNumbers);
    await Promise.all([send().end, send().end]);
    clock.advance(3_000);
    expect(await send().end).toMatch(/^\d\.1$/);
    const closed = Promise.race(server.sockets.map((socket) => once(socket, 'end')));
    clock.advance(1_000);
    await closed;
    expect(clock.pendingTimers).toBe(1);
    expect(await send().end).toMatch(/^\d\.2$/);
    clock.advance(4_000);
    expect(await send().end).toBe('2.0');
  });

  it('are not used again after the engine said that it closes them, or sent more than it should', async () => {
    await start((socket, connection) => {
      if (connection === 0) socket.write(answer('close', 'connection: close'));
      else if (connection === 1) socket.write(`${answer('surplus')}HTTP/1.1`);
      else socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nlast\r\n0\r\n\r\n');
    });
    for (const expected of ['close', 'surplus', 'last', 'last']) expect(await send().end).toBe(expected);
    expect(server.sockets).toHaveLength(3);
  });

  it('are not used again when something comes on them that nobody asked for', async () => {
    await start(echoNumbers);
    expect(await send().end).toBe('0.0');
    server.sockets[0]!.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
    await once(server.sockets[0]!, 'end');
    expect(await send().end).toBe('1.0');
  });

  it('give way to a new one when the engine closes a kept one without a byte', async () => {
    await start((socket, connection, request) => {
      if (connection === 0 && request === 1) socket.destroy();
      else echoNumbers(socket, connection, request);
    });
    expect(await send().end).toBe('0.0');
    expect(await send().end).toBe('1.0');
    expect(await send().end).toBe('1.1');
  });

  it('give way as well when nobody listened at that time', async () => {
    await start((socket, connection, request) => {
      if (connection === 0 && request === 1) socket.destroy();
      else echoNumbers(socket, connection, request);
    });
    expect(await send().end).toBe('0.0');
    const running = send();
    running.exchange.pause();
    await once(server.sockets[0]!, 'close');
    running.exchange.resume();
    expect(await running.end).toBe('1.0');
  });

  it('fail when a kept one is closed after its first byte, or a new one before', async () => {
    await start((socket, connection, request) => {
      if (connection === 0 && request === 1) socket.end('HTTP/1.1 2');
      else if (connection === 0) echoNumbers(socket, connection, request);
      else socket.destroy();
    });
    expect(await send().end).toBe('0.0');
    expect(await send().end).toEqual(['cut', 'the engine closed the connection']);
    expect(await send().end).toEqual(['cut', expect.any(String)]);
    expect(server.sockets).toHaveLength(2);
  });

  it('give the whole body when it lasts as long as they do', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nall ');
      socket.end('that comes');
    });
    expect(await send().end).toBe('all that comes');
  });

  it('bring an answer that comes before the request is out, and are not used again', async () => {
    await start(() => {});
    await server.close();
    server = await startRawServer(kind, (socket) => {
      socket.once('data', () => socket.pause().write(answer('too large')));
    });
    connections = new Connections(server.address, clock);
    expect(await send('x'.repeat(20_000_000)).end).toBe('too large');
    const [socket] = server.sockets;
    socket!.resume();
    await once(socket!, 'end');
    expect(socket!.bytesRead).toBeLessThan(20_000_000);
  });

  it('can be aborted before they are connected, and while they answer', async () => {
    await start((socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\nbegun'));
    send().exchange.abort();
    const running = send();
    await running.begun;
    running.exchange.abort();
    running.exchange.abort();
    await once(server.sockets.at(-1)!, 'end');
    expect(await Promise.race([running.end, Promise.resolve('nothing')])).toBe('nothing');
  });

  it('leave a connection alone that another request has by now', async () => {
    await start((socket, connection, request) => {
      if (request === 0) echoNumbers(socket, connection, request);
      else socket.write('HTTP/1.1 200 OK\r\n\r\n');
    });
    const first = send();
    await first.end;
    const second = send();
    await second.begun;
    first.exchange.abort();
    server.sockets[0]!.end('still here');
    expect(await second.end).toBe('still here');
  });

  it('tell nothing more to whoever aborts while told', async () => {
    await start(echoNumbers);
    const calls: string[] = [];
    const called = Promise.withResolvers<void>();
    const exchange = connections.send(REQUEST, {
      onHead: () => void calls.push('head'),
      onBody: () => {
        calls.push('body');
        exchange.abort();
        setImmediate(called.resolve);
      },
      onRead: () => void calls.push('read'),
      onComplete: () => void calls.push('complete'),
      onFailed: () => void calls.push('failed'),
    });
    await called.promise;
    expect(calls).toEqual(['head', 'body']);
  });

  it('are read again after a pause that came with the end', async () => {
    await start(echoNumbers);
    const ended = Promise.withResolvers<void>();
    const exchange = connections.send(REQUEST, {
      onHead: () => exchange.pause(),
      onBody: () => {},
      onRead: () => {},
      onComplete: ended.resolve,
      onFailed: () => {},
    });
    await ended.promise;
    expect(await send().end).toBe('0.1');
  });

  it('stay paused when a new one takes the place of a kept one', async () => {
    await start(echoNumbers);
    expect(await send().end).toBe('0.0');
    server.sockets[0]!.destroy();
    const paused = send();
    paused.exchange.pause();
    expect(await send().end).toMatch(/^[12]\.0$/);
    for (let turn = 0; turn < 5; turn++) await send().end;
    expect(paused.body()).toBe('');
    paused.exchange.resume();
    expect(await paused.end).toMatch(/^[12]\.0$/);
  });

  it('fail when the engine ends them before the request is out', async () => {
    await start(() => {});
    await server.close();
    server = await startRawServer(kind, (socket) => socket.once('data', () => socket.pause().end()));
    connections = new Connections(server.address, clock);
    expect(await send('x'.repeat(20_000_000)).end).toEqual(['cut', 'the engine closed the connection']);
  });

  it('can be paused before they are connected, and hold the engine back', async () => {
    const size = 30_000_000;
    await start((socket) => void socket.write(answer('x'.repeat(size))));
    const running = send();
    running.exchange.pause();
    const other = send();
    await other.end;
    expect(running.body()).toBe('');
    expect(server.sockets[0]!.writableLength).toBeGreaterThan(0);
    running.exchange.resume();
    expect((await running.end).length).toBe(size);
  });

  it('are cut when they are closed, and are gone then', async () => {
    await start((socket, connection, request) => {
      if (request === 0) echoNumbers(socket, connection, request);
    });
    await Promise.all([send().end, send().end]);
    const waiting = [send(), send(), send()];
    await connections.close();
    for (const { end } of waiting) expect(await end).toEqual(['cut', 'the connections to this engine were closed']);
    for (const socket of server.sockets) if (!socket.readableEnded) await once(socket, 'end');
  });

  it('tell that there is nobody', async () => {
    await start(() => {});
    await server.close();
    expect(await send().end).toEqual(['unreachable', expect.stringMatching(/ENOENT|ECONNREFUSED/)]);
    connections = new Connections({ path: `/${'long/'.repeat(100)}` }, clock);
    expect(await send().end).toEqual(['unreachable', expect.stringMatching(/connect|EINVAL|ENAMETOOLONG/)]);
    server = await startRawServer(kind, () => {});
  });
});
