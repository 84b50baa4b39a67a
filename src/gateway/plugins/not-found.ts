import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';
import { sendError, unknownRoute } from './errors.ts';

/** Answers what no route takes: 405 where routes of its path take other methods, which `allow` names, else 404. */
export function registerNotFound(app: FastifyInstance): void {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => void routes.push({ pattern: patternOf(url), methods: [method].flat() }));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const methods = routes.flatMap((route) => (route.pattern.test(path) ? route.methods : []));
    if (methods.length === 0) return sendError(reply, unknownRoute(request));
    const allowed = [...new Set(methods)].join(', ');
    return sendError(reply.header('allow', allowed), wrongMethod(request.method, path, allowed));
  });
}

/** The paths of a route, `/v1/responses/:id` or `/v1/models/*`, as the router takes them. */
function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('*', '.*').replaceAll(/:\w+/g, '[^/]+')}/?$`);
}

function wrongMethod(method: string, path: string, allowed: string): CodedError {
  return new CodedError('method_not_allowed', `${path.slice(0, 200)} does not take ${method}. It takes ${allowed}.`);
}
