import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RateLimits } from '../../access/rate-limits.ts';

/**
 * Holds callers to their limits, before a body is read. Every answer to a limited caller says what is left; what begins
 * a turn counts until its answer has ended or its client has left.
 */
export function registerLimits(api: FastifyInstance, limits: RateLimits): void {
  api.addHook('onRequest', (request, reply, proceed) => {
    if (limits.isActive) holdToLimits(limits, request, reply).then(() => proceed(), proceed);
    else proceed();
  });
}

async function holdToLimits(
  limits: RateLimits,
  { caller, method, routeOptions }: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const beginsTurn = method === 'POST' && !(routeOptions.url ?? '').endsWith('/cancel');
  try {
    if (beginsTurn) await limits.admit(caller, (onEnd) => reply.raw.once('close', onEnd));
  } finally {
    reply.headers((await limits.headers(caller)) ?? {});
  }
}
