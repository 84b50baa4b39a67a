import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerMalformedHttp, ignoreExpectations } from '../../src/gateway/malformed-http.ts';

describe('a connection that carries no well-formed request', () => {
  let app: FastifyInstance;
  beforeAll(async () => {
    app = fastify({ clientErrorHandler: answerMalformedHttp, forceCloseConnections: true });
    ignoreExpectations(app);
    app.get('/', () => ({ ok: true }));
    app.get('/stream', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
      reply.raw.write('data: 1\n\n');
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => app.close());

  /** Sends the texts one after another, each when something came back for the one before, and reads to the end. */
  async function exchange(...texts: readonly string[]): Promise<string> {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    let received = '';
    socket.on('data', (bytes) => (received += bytes.toString()));
    for (const text of texts) {
      socket.write(text);
      if (text !== texts.at(-1)) await once(socket, 'data');
    }
    await once(socket, 'close');
    return received;
  }

  it('gets an error in the shape of OpenAI, and the connection is closed', async () => {
    const [head = '', body = ''] = (await exchange('NOT HTTP\r\n\r\n')).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nconnection: close/);
    expect(JSON.parse(body)).toEqual({
      error: {
        message: 'This is not a well-formed HTTP request.',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    });
  });

  it('gets 431 for headers without end', async () => {
    expect(await exchange(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('is only closed when a stream is under way on it', async () => {
    const received = await exchange('GET /stream HTTP/1.1\r\nhost: x\r\n\r\n', 'NOT HTTP\r\n\r\n');
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(received).toContain('data: 1\n\n');
  });

  it('is served in spite of an expectation that nobody knows', async () => {
    const received = await exchange('GET / HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\nconnection: close\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1\.1 200 OK/);
  });
});
