import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { GatewayDeps } from '../gateway-deps.ts';
import { json, operation } from '../openapi/operation.ts';

const Alive = Type.Object({ status: Type.Enum(['alive', 'stale']) });
const Ready = Type.Object({ status: Type.Enum(['ready', 'not_ready']), reason: Type.String() });
const Version = Type.Object({ version: Type.String() });

/**
 * Probes. Alive: this process answers and its supervision makes its rounds, whatever becomes of engines and cards. Ready:
 * a replica is in rotation and nobody asked us to stop.
 */
export function registerHealth(
  app: FastifyInstance,
  deps: Pick<GatewayDeps, 'isAlive' | 'readiness' | 'version'>,
): void {
  for (const path of ['/livez', '/health', '/healthz']) {
    const told = operation({
      operationId: `get_${path.slice(1)}`,
      summary: 'Whether Chorus itself works',
      tags: ['probes'],
      isOpen: true,
      answers: { 200: json('It does.', Alive), 503: json('Its supervision makes no rounds: restart it.', Alive) },
    });
    app.get(path, told, (_request, reply) => {
      const alive = deps.isAlive();
      return reply.code(alive ? 200 : 503).send({ status: alive ? 'alive' : 'stale' });
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
