import fastify from 'fastify';
import { expect, it } from 'vitest';
import { registerHealth } from '../../src/gateway/routes/health.ts';

const probe = async (path: string, whyNotAlive: string | null, ready: boolean): Promise<unknown[]> => {
  const app = fastify();
  registerHealth(app, {
    whyNotAlive: () => whyNotAlive,
    readiness: () => ({ ready, sentence: 'A sentence.' }),
    version: '1.2.3',
  });
  const answer = await app.inject({ url: path });
  return [answer.statusCode, answer.json()];
};

it('is alive while nothing speaks for a restart, whatever becomes of the engines', async () => {
  for (const path of ['/livez', '/health', '/healthz']) {
    expect(await probe(path, null, false)).toEqual([200, { status: 'alive' }]);
    expect(await probe(path, 'A reason.', true)).toEqual([503, { status: 'not_alive', reason: 'A reason.' }]);
  }
});

it('is ready while a replica is in rotation', async () => {
  for (const path of ['/readyz', '/startupz']) {
    expect(await probe(path, 'A reason.', true)).toEqual([200, { status: 'ready', reason: 'A sentence.' }]);
    expect(await probe(path, null, false)).toEqual([503, { status: 'not_ready', reason: 'A sentence.' }]);
  }
});
