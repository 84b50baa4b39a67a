import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyBaseLogger } from 'fastify';
import { expect, it } from 'vitest';
import { registerErrors } from '../../src/gateway/plugins/errors.ts';
import { createLogger } from '../../src/system/logger.ts';

it('is logged with its kind and its place, and without its words, which may be those of a client', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'chorus-log-')), 'chorus.log');
  const loggerInstance: FastifyBaseLogger = createLogger(file, () => {});
  const app = fastify({ loggerInstance, genReqId: () => 'req_1' });
  registerErrors(app);
  app.get('/', () => JSON.parse('my secret prompt') as unknown);
  const { statusCode, body } = await app.inject('/');
  expect([statusCode, body.includes('secret')]).toEqual([500, false]);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const line = lines.find((text) => text.includes('request failed unexpectedly')) ?? '';
  expect(JSON.parse(line)).toMatchObject({ reqId: 'req_1', err: { type: 'SyntaxError' } });
  expect(line).toContain('unexpected-failure.test.ts');
  expect(lines.join()).not.toContain('secret');
});
