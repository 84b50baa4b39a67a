import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { request } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { Access } from '../../src/access/access.ts';
import { NO_LIMITS, type Limits } from '../../src/domain/limits.ts';
import { registerAuth } from '../../src/gateway/plugins/auth.ts';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';
import { registerLimits } from '../../src/gateway/plugins/limits.ts';
import { accessOptions } from '../support/access-options.ts';
import { eventually } from '../support/eventually.ts';

const PATIENCE_MS = 20_000;

interface Running {
  readonly port: number;
  readonly access: Access;
  /** Answers that have begun and not ended. */
  readonly begun: FastifyReply[];
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** `/v1/turn` streams until it is ended from outside, `/v1/fail` throws, `/v1/x/cancel` begins no turn. */
async function start(limits: Partial<Limits>): Promise<Running> {
  const stateDir = mkdtempSync(join(tmpdir(), 'chorus-limits-'));
  const access = new Access(accessOptions({ stateDir, limits: { ...NO_LIMITS, ...limits } }));
  const app: FastifyInstance = fastify({ forceCloseConnections: true });
  const begun: FastifyReply[] = [];
  registerErrors(app);
  registerAuth(app, access);
  app.register((api, _options, done) => {
    registerLimits(api, access.limits);
    api.post('/v1/turn', (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>);
      reply.raw.write('begun');
      begun.push(reply);
    });
    api.post('/v1/fail', () => {
      throw new Error('broken');
    });
    api.post('/v1/x/cancel', () => ({ ok: true }));
    api.get('/v1/models', () => ({ ok: true }));
    done();
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  closers.push(async () => {
    await app.close();
    await access.close();
  });
  return { port: (app.server.address() as AddressInfo).port, access, begun };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function ask({ port }: Running, method: 'GET' | 'POST', path: string): Promise<Answer> {
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}${path}`, { method });
  return { status: statusCode, headers, text: await body.text() };
}

/** A raw request on a connection of its own, once its answer has begun. */
async function openTurn({ port }: Running): Promise<{ socket: Socket; head: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST /v1/turn HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  return { socket, head: String(head) };
}

const free = (running: Running): Promise<number> =>
  eventually('a place', PATIENCE_MS, async () => {
    const { status } = await ask(running, 'POST', '/v1/fail');
    return status === 429 ? null : status;
  });

it('says nothing of limits where there are none', async () => {
  const { headers } = await ask(await start({}), 'GET', '/v1/models');
  expect(Object.keys(headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
});

it('says on every answer what is left, on that of a stream in its head, and counts only what begins a turn', async () => {
  const running = await start({ requestsPerMinute: 3 });
  const left = async (method: 'GET' | 'POST', path: string): Promise<unknown[]> => {
    const { status, headers } = await ask(running, method, path);
    return [status, headers['x-ratelimit-remaining-requests']];
  };
  expect(await left('GET', '/v1/models')).toEqual([200, '3']);
  expect(await left('POST', '/v1/x/cancel')).toEqual([200, '3']);
  expect(await left('POST', '/v1/fail')).toEqual([500, '2']);
  const { socket, head } = await openTurn(running);
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  for (const line of ['limit-requests: 3', 'remaining-requests: 1', 'limit-tokens: 1000000000', 'reset-tokens: 0s']) {
    expect(head).toContain(`\r\nx-ratelimit-${line}\r\n`);
  }
  expect(head).toMatch(/x-ratelimit-reset-requests: (1m0s|\d+(\.\d+)?s)\r\n/);
  socket.destroy();
  expect(await left('POST', '/v1/fail')).toEqual([500, '0']);
  const { status, headers, text } = await ask(running, 'POST', '/v1/fail');
  expect([status, headers['x-ratelimit-remaining-requests']]).toEqual([429, '0']);
  expect(Number(headers['retry-after'])).toSatisfy((seconds: number) => seconds >= 1 && seconds <= 60);
  expect(JSON.parse(text)).toEqual({
    error: {
      message: expect.stringMatching(/Please try again in \d+(\.\d+)?s\.$/),
      type: 'rate_limit_error',
      param: null,
      code: 'rate_limit_exceeded',
    },
  });
});

it('holds a place until the answer has ended, failed or lost its client', async () => {
  const running = await start({ concurrent: 1 });
  const first = await openTurn(running);
  expect((await ask(running, 'POST', '/v1/fail')).status).toBe(429);
  running.begun.pop()?.raw.end();
  expect(await free(running)).toBe(500);
  first.socket.destroy();

  const second = await openTurn(running);
  expect((await ask(running, 'POST', '/v1/fail')).status).toBe(429);
  second.socket.destroy();
  expect(await free(running)).toBe(500);
  // A failed answer gives its place back too.
  expect(await free(running)).toBe(500);
});

it('gives back the places of requests behind others on a connection that breaks', async () => {
  const running = await start({ concurrent: 2 });
  const { socket } = await openTurn(running);
  socket.write('POST /v1/turn HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n');
  await eventually('both places taken', PATIENCE_MS, () => (running.begun.length === 2 ? true : null));
  expect((await ask(running, 'POST', '/v1/fail')).status).toBe(429);
  socket.destroy();
  expect(await free(running)).toBe(500);
});

it('holds everybody to changed limits from the next request on', async () => {
  const running = await start({});
  expect((await ask(running, 'POST', '/v1/fail')).status).toBe(500);
  await running.access.keys.limitProject('default', { requestsPerMinute: 1 });
  expect((await ask(running, 'POST', '/v1/fail')).status).toBe(500);
  expect((await ask(running, 'POST', '/v1/fail')).status).toBe(429);
  await running.access.keys.limitProject('default', {});
  const { status, headers } = await ask(running, 'POST', '/v1/fail');
  expect([status, headers['x-ratelimit-limit-requests']]).toEqual([500, undefined]);
});
