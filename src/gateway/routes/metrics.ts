import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { GatewayDeps } from '../gateway-deps.ts';
import { operation, plainText } from '../openapi/operation.ts';

/** Prometheus's text format, as its servers ask for it. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * `GET /metrics`: everything, for Prometheus. `GET /metrics/pool`: the load of all replicas as if they were one engine,
 * under vLLM's names, for what balances over several machines: apart from the other page, because a sum over both would
 * count everything twice.
 */
export function registerMetrics(app: FastifyInstance, { metrics }: GatewayDeps): void {
  const send = (reply: FastifyReply, page: string): FastifyReply => reply.type(CONTENT_TYPE).send(page);
  const answers = { 200: plainText("Prometheus's text format.", Type.String()) };
  const page = operation({
    operationId: 'getMetrics',
    summary: 'All series, for Prometheus',
    tags: ['probes'],
    answers,
  });
  const poolPage = operation({
    operationId: 'getPoolMetrics',
    summary: 'The load of all replicas as if they were one',
    tags: ['probes'],
    isOpen: true,
    answers,
  });
  app.get('/metrics', page, async (_request, reply) => send(reply, await metrics.page()));
  app.get('/metrics/pool', poolPage, async (_request, reply) => send(reply, await metrics.poolPage()));
}
