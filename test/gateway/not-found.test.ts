import fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';
import { registerNotFound } from '../../src/gateway/plugins/not-found.ts';

let app: FastifyInstance;

beforeEach(() => {
  app = fastify({ routerOptions: { ignoreTrailingSlash: true } });
  registerErrors(app);
  registerNotFound(app);
  app.get('/livez', () => 'alive');
  app.register(
    async (api) => {
      api.post('/responses', () => ({}));
      api.get('/responses/:id', () => ({}));
      api.delete('/responses/:id', () => ({}));
      api.get('/models/*', () => ({}));
    },
    { prefix: '/v1' },
  );
});

afterEach(() => app.close());

const ask = async (method: InjectOptions['method'], url: string) => {
  const answer = await app.inject({ method: method ?? 'GET', url });
  return { status: answer.statusCode, allow: answer.headers['allow'], body: answer.json<unknown>() };
};

it.each([
  ['PUT', '/livez', 'GET, HEAD'],
  ['GET', '/v1/responses', 'POST'],
  ['GET', '/v1/responses/?x=/v1/responses/1', 'POST'],
  ['POST', '/v1/responses/resp_1', 'GET, HEAD, DELETE'],
  ['DELETE', '/v1/models/openai/gpt-oss-20b', 'GET, HEAD'],
] as const)('names the methods of the path where it has no route for %s %s', async (method, url, allow) => {
  const path = url.split('?')[0] ?? '';
  const error = {
    message: `${path} does not take ${method}. It takes ${allow}.`,
    type: 'invalid_request_error',
    param: null,
    code: 'method_not_allowed',
  };
  expect(await ask(method, url)).toEqual({ status: 405, allow, body: { error } });
});

it.each(['/', '/v1', '/v1/responses/resp_1/more', '/v1/responsesx', '/x/livez'])('knows no path %s', async (url) => {
  const { status, allow, body } = await ask('POST', url);
  expect([status, allow]).toEqual([404, undefined]);
  expect(body).toMatchObject({ error: { message: expect.stringContaining('Unknown request URL: POST'), code: null } });
});
