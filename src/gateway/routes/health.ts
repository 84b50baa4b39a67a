import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { GatewayDeps } from '../gateway-deps.ts';
import { json, operation } from '../openapi/operation.ts';

const Alive = Type.Object({ status: Type.Enum(['alive']) });
const NotAlive = Type.Object({ status: Type.Enum(['not_alive']), reason: Type.String() });
const Ready = Type.Object({ status: Type.Enum(['ready', 'not_ready']), reason: Type.String() });
const Version = Type.Object({ version: Type.String() });

/**
 * Probes. Alive: this process answers, its supervision makes its rounds, and no restart is what its engines and cards
 * need. Ready: a replica is in rotation and nobody asked us to stop.
 */
export function registerHealth(
  app: FastifyInstance,
  deps: Pick<GatewayDeps, 'whyNotAlive' | 'readiness' | 'version'>,
): void {
  for (const path of ['/livez', '/health', '/healthz']) {
    const told = operation({
      operationId: `get_${path.slice(1)}`,
      summary: 'Whether Chorus itself works',
      tags: ['probes'],
      isOpen: true,
      answers: { 200: json('It does.', Alive), 503: json('Only a restart helps.', NotAlive) },
    });
    app.get(path, told, (_request, reply) => {
      const reason = deps.whyNotAlive();
      return reply
        .code(reason === null ? 200 : 503)
        .send(reason === null ? { status: 'alive' } : { status: 'not_alive', reason });
    });
  }
  for (const path of ['/readyz', '/startupz']) {
    const told = operation({
      operationId: `get_${path.slice(1)}`,
      summary: 'Whether a replica is in rotation',
      tags: ['probes'],
      isOpen: true,
      answers: { 200: json('One is.', Ready), 503: json('None is, or Chorus is asked to stop.', Ready) },
    });
    app.get(path, told, (_request, reply) => {
      const { ready, sentence } = deps.readiness();
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', reason: sentence });
    });
  }
  const version = operation({
    operationId: 'get_version',
    summary: 'The version of Chorus',
    tags: ['probes'],
    isOpen: true,
    answers: { 200: json('The version.', Version) },
  });
  app.get('/version', version, () => ({ version: deps.version }));
}
