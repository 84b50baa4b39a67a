import type { FastifyInstance } from 'fastify';
import type { RequestReport } from '../../metrics/request-log.ts';

/** The status of a request whose client left before there was one, as nginx logs it. */
const CLIENT_LEFT = 499;
/** Stands for every path that no route has. */
const NO_ROUTE = 'unknown';

/**
 * Tells of every request, once its answer has been sent or its client has left. `/api/v1` is told as `/v1`: they are the
 * same routes.
 */
export function registerCounting(app: FastifyInstance, onRequestEnd: (report: RequestReport) => void): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.on('close', () => {
      const { method, id: requestId, routeOptions } = request;
      const { headersSent, statusCode } = reply.raw;
      const route = routeOptions.url?.replace('/api/v1/', '/v1/') ?? NO_ROUTE;
      const code = headersSent ? statusCode : CLIENT_LEFT;
      onRequestEnd({ requestId, method, route, code, durationMs: reply.elapsedTime });
    });
    done();
  });
}
