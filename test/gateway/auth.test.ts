import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { Access } from '../../src/access/access.ts';
import { registerAuth } from '../../src/gateway/plugins/auth.ts';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';
import { accessOptions } from '../support/access-options.ts';

const opened: Access[] = [];
afterAll(() => Promise.all(opened.map((access) => access.close())));

function appWith(access: Access): FastifyInstance {
  opened.push(access);
  const app = fastify();
  registerErrors(app);
  registerAuth(app, access);
  app.get('/v1/models', () => ({ ok: true }));
  app.get('/v1/who', (request) => request.caller);
  app.get('/admin/status', () => ({ ok: true }));
  app.get('/metrics', () => ({ ok: true }));
  app.get('/livez', () => ({ ok: true }));
  return app;
}

function newStateDir(files: Readonly<Record<string, string>>): string {
  const stateDir = mkdtempSync(join(tmpdir(), 'chorus-auth-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(stateDir, name), `${text}\n`);
  return stateDir;
}

const ask = async (app: FastifyInstance, url: string, headers: Record<string, string>): Promise<unknown> => {
  const { statusCode, body } = await app.inject({ url, headers: { host: '127.0.0.1:8000', ...headers } });
  return statusCode === 200 ? 200 : [statusCode, (JSON.parse(body) as { error: { code: string | null } }).error.code];
};

describe('with a key', () => {
  const stateDir = newStateDir({ 'api-key': 'sk-right', 'admin-key': 'sk-admin' });
  const app = appWith(new Access(accessOptions({ stateDir })));

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

  it('opens /admin to the admin key alone, which is no key for requests', async () => {
    const admin = { authorization: 'Bearer sk-admin' };
    const caller = { authorization: 'Bearer sk-right' };
    expect([await ask(app, '/admin/status', admin), await ask(app, '/admin/status', caller)]).toEqual([
      200,
      [403, null],
    ]);
    expect(await ask(app, '/v1/models', admin)).toEqual([403, null]);
    expect([await ask(app, '/metrics', admin), await ask(app, '/metrics', caller)]).toEqual([200, 200]);
  });
});

describe('with named keys', () => {
  const clock = { nowMs: () => nowMs };
  let nowMs = 1_000_000;
  const access = new Access(accessOptions({ stateDir: newStateDir({}), clock }));
  const app = appWith(access);
  const who = async (key: string): Promise<unknown> =>
    (await app.inject({ url: '/v1/who', headers: { authorization: `Bearer ${key}` } })).json();
  const refusal = async (key: string): Promise<string> =>
    ((await who(key)) as { error: { message: string } }).error.message;

  it('is keyless until the first is made, and not again when the last is gone', async () => {
    expect(await ask(app, '/admin/status', {})).toBe(200);
    const { id, key } = await access.createKey({ name: 'first' });
    expect(await ask(app, '/v1/models', { authorization: `Bearer ${key}`, host: 'gpu.example' })).toBe(200);
    expect([await ask(app, '/v1/models', {}), await ask(app, '/admin/status', {})]).toEqual([
      [401, null],
      [401, null],
    ]);
    await access.keys.revoke(id);
    expect(await ask(app, '/v1/models', {})).toEqual([401, null]);
  });

  it('tells callers by their key, whatever it is named', async () => {
    const [ci, team] = [await access.createKey({ name: 'ci' }), await access.createKey({ name: 'b', project: 'team' })];
    expect([await who(ci.key), await who(team.key)]).toEqual([
      { project: 'default', keyId: ci.id },
      { project: 'team', keyId: team.id },
    ]);
  });

  it('says the same of a revoked key as of an unknown one, and of an expired one that it is', async () => {
    const revoked = await access.createKey({ name: 'revoked' });
    const short = await access.createKey({ name: 'short', expiresAtMs: nowMs + 1000 });
    expect(await who(short.key)).toEqual({ project: 'default', keyId: short.id });
    await access.keys.revoke('revoked');
    nowMs += 1000;
    expect(await refusal(revoked.key)).toBe(await refusal('sk-chorus-never-made'));
    expect(await refusal(short.key)).toMatch(/has expired/);
    expect(await ask(app, '/v1/who', { authorization: `Bearer ${short.key}` })).toEqual([401, 'invalid_api_key']);
  });
});

it('asks for nothing where it is told to, whatever keys there are', async () => {
  const app = appWith(new Access(accessOptions({ stateDir: newStateDir({ 'api-key': 'sk-right' }), noKey: true })));
  expect([await ask(app, '/v1/models', {}), await ask(app, '/admin/status', {})]).toEqual([200, 200]);
  expect(await ask(app, '/v1/models', { host: 'evil.example' })).toEqual([403, null]);
});

describe('without a key', () => {
  const app = appWith(new Access(accessOptions({ stateDir: newStateDir({}) })));

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
