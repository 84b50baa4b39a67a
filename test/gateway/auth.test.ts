import fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { registerAuth } from '../../src/gateway/plugins/auth.ts';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';

function appWith(apiKey: string | null): FastifyInstance {
  const app = fastify();
  registerErrors(app);
  registerAuth(app, { apiKey });
  app.get('/v1/models', () => ({ ok: true }));
  app.get('/livez', () => ({ ok: true }));
  return app;
}

const ask = async (app: FastifyInstance, url: string, headers: Record<string, string>): Promise<unknown> => {
  const { statusCode, body } = await app.inject({ url, headers: { host: '127.0.0.1:8000', ...headers } });
  return statusCode === 200 ? 200 : [statusCode, (JSON.parse(body) as { error: { code: string | null } }).error.code];
};

describe('with a key', () => {
  const app = appWith('sk-right');

  it('lets in who presents it, from anywhere', async () => {
    expect(await ask(app, '/v1/models', { authorization: 'Bearer sk-right', host: 'gpu.example:8000' })).toBe(200);
  });

  it('answers 401 to a missing, a malformed and a wrong key', async () => {
    expect(await ask(app, '/v1/models', {})).toEqual([401, null]);
    expect(await ask(app, '/v1/models', { authorization: 'sk-right' })).toEqual([401, null]);
    expect(await ask(app, '/v1/models', { authorization: 'Bearer sk-wrong' })).toEqual([401, 'invalid_api_key']);
    expect(await ask(app, '/v1/models', { authorization: 'Bearer sk-right-and-more' })).toEqual([
      401,
      'invalid_api_key',
    ]);
  });

  it('asks unknown routes for the key too, and probes for none', async () => {
    expect(await ask(app, '/nowhere', {})).toEqual([401, null]);
    expect(await ask(app, '/livez', { host: '10.1.2.3:8000' })).toBe(200);
  });
});

describe('without a key', () => {
  const app = appWith(null);

  it.each(['127.0.0.1:8000', 'localhost:8000', '[::1]:8000'])(
    'answers its own machine as %s with any bearer value',
    async (host) => {
      expect(await ask(app, '/v1/models', { host, authorization: 'Bearer EMPTY' })).toBe(200);
      expect(await ask(app, '/v1/models', { host })).toBe(200);
    },
  );

  it.each([
    'evil.example:8000',
    'evil.example@localhost',
    'localhost/evil',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
  ])('refuses the host name %s, which may have been rebound to loopback', async (host) => {
    expect(await ask(app, '/v1/models', { host })).toEqual([403, null]);
  });

  it('refuses what the browser says a page of another site asks, and takes the rest', async () => {
    expect(await ask(app, '/v1/models', { 'sec-fetch-site': 'cross-site' })).toEqual([403, null]);
    expect(await ask(app, '/v1/models', { 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await ask(app, '/v1/models', { 'sec-fetch-site': 'none' })).toBe(200);
  });

  it('refuses web pages of other origins, and takes those of this machine', async () => {
    expect(await ask(app, '/v1/models', { origin: 'https://evil.example' })).toEqual([403, null]);
    expect(await ask(app, '/v1/models', { origin: 'null' })).toEqual([403, null]);
    expect(await ask(app, '/v1/models', { origin: 'http://evil.example@localhost' })).toEqual([403, null]);
    expect(await ask(app, '/v1/models', { origin: 'http://localhost:3000' })).toBe(200);
  });
});
