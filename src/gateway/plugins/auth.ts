import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access, KeyHolder } from '../../access/access.ts';
import { DEFAULT_PROJECT, type Caller } from '../../domain/caller.ts';
import { CodedError } from '../../domain/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it, on every route that is guarded. */
    caller: Caller;
  }
}

/** Routes that probes, load balancers and makers of clients ask without a key. */
const OPEN_PATHS = new Set([
  '/livez',
  '/readyz',
  '/startupz',
  '/health',
  '/healthz',
  '/version',
  '/metrics/pool',
  '/openapi.json',
]);

/** Everybody is this caller where no key is asked for. */
const KEYLESS_CALLER: Caller = { project: DEFAULT_PROJECT, keyId: null };

/** Guards every route but the probes. Without keys (loopback only) any bearer value is accepted. */
export function registerAuth(app: FastifyInstance, access: Pick<Access, 'isKeyless' | 'holderOf'>): void {
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    request.caller = KEYLESS_CALLER;
    if (access.isKeyless) requireLoopback(request);
    else if (!OPEN_PATHS.has(request.routeOptions.url ?? '')) {
      admit(request, access.holderOf(presentedKey(request)));
    }
  });
}

function presentedKey({ headers: { authorization } }: FastifyRequest): string {
  const key = authorization === undefined ? null : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (key !== null && key !== undefined) return key;
  const message =
    "You didn't provide an API key. Send it as 'Authorization: Bearer KEY'; the server's start-up banner says where the key is.";
  throw new CodedError('missing_key', message);
}

/**
 * The operator's key opens `/admin` and nothing else does; it stands for no project, so it asks for no responses. What
 * only tells how the server is (`/metrics`) is open to every key, so that who watches needs no power.
 */
function admit(request: FastifyRequest, holder: KeyHolder): void {
  if (holder === null) throw wrongKey("Incorrect API key provided. Ask the server's operator for one.");
  if (holder === 'expired') throw wrongKey("This API key has expired. Ask the server's operator for a new one.");
  const path = request.routeOptions.url ?? '';
  if (holder !== 'admin') {
    if (isAdminPath(path)) throw forbidden('This needs the admin key (admin-key in the state directory).');
    request.caller = holder;
  } else if (isApiPath(path)) {
    throw forbidden('The admin key is no key for requests. Make one with `chorus keys create NAME`.');
  }
}

const wrongKey = (message: string): CodedError => new CodedError('wrong_key', message);
const forbidden = (message: string): CodedError => new CodedError('forbidden_key', message);
const isAdminPath = (path: string): boolean => path === '/admin' || path.startsWith('/admin/');
const isApiPath = (path: string): boolean => /^\/(api\/v1|v1|inference)\//.test(path);

/** What names this machine itself, as a Host header; nothing may stand before or after it. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * A keyless server trusts whoever can reach its loopback port, so a web page must not be able to: its own origin gives
 * it away, after DNS rebinding the Host header does, and where neither is sent the browser's word on who asks does
 * (Fetch Metadata, `Sec-Fetch-Site`).
 */
function requireLoopback({ headers }: FastifyRequest): void {
  const foreign = foreignCaller(headers);
  if (foreign === null) return;
  const message = `Requests from ${foreign.slice(0, 100)} are not accepted: without an API key this server answers its own machine only. Configure a key to use it from elsewhere.`;
  throw new CodedError('forbidden_origin', message);
}

function foreignCaller({ host, origin, ...headers }: IncomingHttpHeaders): string | null {
  if (host !== undefined && !LOOPBACK_HOST.test(host)) return `http://${host}`;
  if (origin !== undefined && !LOOPBACK_ORIGIN.test(origin)) return origin;
  return headers['sec-fetch-site'] === 'cross-site' ? 'a web page of another site' : null;
}
