import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastify, { type FastifyBaseLogger } from 'fastify';
import { expect, it } from 'vitest';
import type { GatewayDeps } from '../../src/gateway/gateway-deps.ts';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';
import { registerStoredResponses } from '../../src/gateway/routes/stored-responses.ts';
import { registerUsage } from '../../src/gateway/routes/usage.ts';
import { createLogger } from '../../src/system/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openStore, storeDirectory } from '../support/store-bench.ts';

/** The routes that read and change what is stored, over a store that is closed; `logged` are the lines of the log. */
async function setUp() {
  const store = await openStore();
  await store.close();
  const file = join(storeDirectory(), 'chorus.log');
  const loggerInstance: FastifyBaseLogger = createLogger(file, () => {});
  const app = fastify({ loggerInstance });
  const deps = { responses: { memory: { store } }, clock: new FakeClock() } as unknown as GatewayDeps;
  registerErrors(app);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => void (request.caller = { project: 'default', keyId: null }));
  registerStoredResponses(app, deps);
  registerUsage(app, deps);
  return { app, logged: () => readFileSync(file, 'utf8').trimEnd().split('\n') };
}

it.for([
  ['GET', '/responses/resp_1'],
  ['DELETE', '/responses/resp_1'],
  ['GET', '/responses/resp_1/input_items'],
  ['GET', '/admin/usage'],
] as const)('%s %s says that the store failed, and how', async ([method, url]) => {
  const { app, logged } = await setUp();
  const answer = await app.inject({ method, url });
  expect(answer.statusCode).toBe(500);
  const message = 'What is stored could not be read or changed: The store is closed.';
  expect(answer.json()).toEqual({ error: { message, type: 'server_error', param: null, code: 'server_error' } });
  const line = logged().find((text) => text.includes('request failed by the store')) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({
    reason: 'The store is closed.',
    err: { type: 'StoreError', code: 'closed' },
  });
  expect(logged().join()).not.toContain('unexpectedly');
});
