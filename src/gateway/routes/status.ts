import type { FastifyInstance } from 'fastify';
import type { GatewayDeps } from '../gateway-deps.ts';

/** `GET /admin/status`: what `chorus status` prints. */
export function registerStatus(app: FastifyInstance, deps: GatewayDeps): void {
  app.get('/admin/status', () => deps.status());
}
