import type { FastifyInstance } from 'fastify';
import { Secret } from '../../domain/secret.ts';

/** Keeps each caller's `Authorization` header for the engines that are to have it; registered only where there is one. */
export function registerForwardedAuthorization(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _, done) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      request.caller = { ...request.caller, authorization: new Secret(authorization) };
    }
    done();
  });
}
