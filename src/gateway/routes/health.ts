import type { FastifyInstance } from 'fastify';
import type { GatewayDeps } from '../gateway-deps.ts';

/** Probes. Alive: this process answers. Ready: a replica is in rotation and nobody asked us to stop. */
export function registerHealth(app: FastifyInstance, deps: GatewayDeps): void {
  for (const path of ['/livez', '/health', '/healthz']) app.get(path, () => ({ status: 'alive' }));
  for (const path of ['/readyz', '/startupz']) {
    app.get(path, (_request, reply) => {
      const { ready, sentence } = deps.readiness();
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', reason: sentence });
    });
  }
  app.get('/version', () => ({ version: deps.version }));
}
