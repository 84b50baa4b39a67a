import type { FastifyInstance, FastifyReply } from 'fastify';
import type { GatewayDeps } from '../gateway-deps.ts';

/** Prometheus's text format, as its servers ask for it. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * `GET /metrics`: everything, for Prometheus. `GET /metrics/pool`: the load of all replicas as if they were one engine,
 * under vLLM's names, for what balances over several machines: apart from the other page, because a sum over both would
 * count everything twice.
 */
export function registerMetrics(app: FastifyInstance, { metrics }: GatewayDeps): void {
  const send = (reply: FastifyReply, page: string): FastifyReply => reply.type(CONTENT_TYPE).send(page);
  app.get('/metrics', async (_request, reply) => send(reply, await metrics.page()));
  app.get('/metrics/pool', async (_request, reply) => send(reply, await metrics.poolPage()));
}
