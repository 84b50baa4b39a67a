import { gzipSync } from 'node:zlib';
import fastify, { type FastifyInstance } from 'fastify';
import { expect, it } from 'vitest';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';
import { registerJsonBody } from '../../src/gateway/plugins/json-body.ts';

const JSON_TYPE = 'application/json';
const BODY = '{"a":1}';

function echo(): FastifyInstance {
  const app = fastify();
  registerErrors(app);
  registerJsonBody(app);
  app.post('/', ({ body }) => ({ body: body ?? 'absent' }));
  return app;
}

/** Status, and what was read or what is wrong. */
async function send(payload: string | Buffer, headers: Record<string, string>): Promise<unknown> {
  const { statusCode, body } = await echo().inject({ method: 'POST', url: '/', headers, payload });
  const answer = JSON.parse(body) as { body?: unknown; error?: { message: string } };
  return [statusCode, answer.error?.message ?? answer.body];
}

it('a body is read as JSON, and an empty one is absent', async () => {
  expect(await send(BODY, { 'content-type': JSON_TYPE })).toEqual([200, { a: 1 }]);
  expect(await send(BODY, { 'content-type': JSON_TYPE, 'content-encoding': 'identity' })).toEqual([200, { a: 1 }]);
  expect(await send('', { 'content-type': JSON_TYPE })).toEqual([200, 'absent']);
});

it('what is no JSON is told', async () => {
  expect(await send('{"a"', { 'content-type': JSON_TYPE })).toEqual([400, 'The body is not valid JSON.']);
  const asText = [415, "Send the body as 'content-type: application/json'."];
  expect(await send(BODY, { 'content-type': 'text/plain' })).toEqual(asText);
});

it('a compressed body is told that it is compressed', async () => {
  const headers = { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' };
  const message = "Bodies with content-encoding 'gzip' are not read here. Send the JSON as it is.";
  expect(await send(gzipSync(BODY), headers)).toEqual([415, message]);
});
