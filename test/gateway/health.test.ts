import fastify from 'fastify';
import { expect, it } from 'vitest';
import { registerHealth } from '../../src/gateway/routes/health.ts';

const probe = async (path: string, isAlive: boolean, ready: boolean): Promise<unknown[]> => {
  const app = fastify();
  registerHealth(app, {
    isAlive: () => isAlive,
    readiness: () => ({ ready, sentence: 'A sentence.' }),
    version: '1.2.3',
  });
  const answer = await app.inject({ url: path });
  return [answer.statusCode, answer.json()];
};

it('is alive while the supervision makes its rounds, whatever becomes of the engines', async () => {
  for (const path of ['/livez', '/health', '/healthz']) {
    expect(await probe(path, true, false)).toEqual([200, { status: 'alive' }]);
    expect(await probe(path, false, true)).toEqual([503, { status: 'stale' }]);
  }
});

it('is ready while a replica is in rotation', async () => {
  for (const path of ['/readyz', '/startupz']) {
    expect(await probe(path, false, true)).toEqual([200, { status: 'ready', reason: 'A sentence.' }]);
    expect(await probe(path, true, false)).toEqual([503, { status: 'not_ready', reason: 'A sentence.' }]);
  }
});
