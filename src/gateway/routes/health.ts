import type { FastifyInstance } from 'fastify';
import type { GatewayDeps } from '../gateway-deps.ts';

/**
 * Probes. Alive: this process answers and its supervision makes its rounds, whatever becomes of engines and cards. Ready:
 * a replica is in rotation and nobody asked us to stop.
 */
export function registerHealth(
  app: FastifyInstance,
  deps: Pick<GatewayDeps, 'isAlive' | 'readiness' | 'version'>,
): void {
  for (const path of ['/livez', '/health', '/healthz']) {
    app.get(path, (_request, reply) => {
      const alive = deps.isAlive();
      return reply.code(alive ? 200 : 503).send({ status: alive ? 'alive' : 'stale' });
    });
  }
  for (const path of ['/readyz', '/startupz']) {
    app.get(path, (_request, reply) => {
      const { ready, sentence } = deps.readiness();
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', reason: sentence });
    });
  }
  app.get('/version', () => ({ version: deps.version }));
}
