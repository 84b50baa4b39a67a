import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { registerCounting } from '../../src/gateway/plugins/count-requests.ts';
import type { RequestReport } from '../../src/metrics/request-log.ts';
import { eventually } from '../support/eventually.ts';

let app: FastifyInstance;
let ended: RequestReport[];

beforeEach(async () => {
  ended = [];
  app = fastify({ genReqId: () => 'req_1' });
  registerCounting(app, (report) => ended.push(report));
  app.get('/api/v1/responses/:id', () => ({ ok: true }));
  app.post('/v1/responses', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).end('data: 1\n\n');
  });
  app.get('/silent', (_request, reply) => void reply.hijack());
  await app.listen({ port: 0, host: '127.0.0.1' });
});

afterEach(() => app.close());

const port = (): number => (app.server.address() as AddressInfo).port;

const reports = (count: number): Promise<RequestReport[]> =>
  eventually(`${count} ended requests`, 5000, () => (ended.length === count ? ended : null));

it('tells of every request once, by the pattern of its route', async () => {
  await (await fetch(`http://127.0.0.1:${port()}/api/v1/responses/resp_1?x=y`)).text();
  await (await fetch(`http://127.0.0.1:${port()}/v1/responses`, { method: 'POST' })).text();
  await (await fetch(`http://127.0.0.1:${port()}/my/secret/path`)).text();
  const common = { requestId: 'req_1', durationMs: expect.any(Number) };
  expect(await reports(3)).toEqual([
    { ...common, method: 'GET', route: '/v1/responses/:id', code: 200 },
    { ...common, method: 'POST', route: '/v1/responses', code: 200 },
    { ...common, method: 'GET', route: 'unknown', code: 404 },
  ]);
});

it('tells of a client that left before its answer began', async () => {
  const socket = connect(port(), '127.0.0.1');
  const received = once(app.server, 'request');
  socket.write('GET /silent HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await received;
  socket.destroy();
  expect(await reports(1)).toMatchObject([{ route: '/silent', code: 499 }]);
});
