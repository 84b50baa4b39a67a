import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DEFAULT_PROJECT, type Caller } from '../../domain/caller.ts';
import { CodedError } from '../../domain/errors.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sends it, on every route that is guarded. */
    caller: Caller;
  }
}

/** With a key: every caller must present it. Without (loopback only): any bearer value is accepted. */
export interface AccessPolicy {
  readonly apiKey: string | null;
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

/** A server with one key or none serves one project. */
const SOLE_CALLER: Caller = { project: DEFAULT_PROJECT, keyId: null };

/** Guards every route but the probes. */
export function registerAuth(app: FastifyInstance, { apiKey }: AccessPolicy): void {
  const expected = apiKey === null ? null : digest(apiKey);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    request.caller = SOLE_CALLER;
    if (expected === null) requireLoopback(request);
    else if (!OPEN_PATHS.has(request.routeOptions.url ?? '')) requireKey(request, expected);
  });
}

function requireKey(request: FastifyRequest, expected: Buffer): void {
  const header = request.headers.authorization;
  const token = header === undefined ? null : /^Bearer +(\S+) *$/i.exec(header)?.[1];
  if (token === null || token === undefined) {
    const message =
      "You didn't provide an API key. Send it as 'Authorization: Bearer KEY'; the server's start-up banner says where the key is.";
    throw new CodedError('missing_key', message);
  }
  if (!timingSafeEqual(digest(token), expected)) {
    throw new CodedError(
      'wrong_key',
      "Incorrect API key provided. The server's start-up banner says where the key is.",
    );
  }
}

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

/** Fixed-length, so that the comparison tells nothing about the key's length. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
