import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CodedError } from '../../domain/errors.ts';

/** With a key: every caller must present it. Without (loopback only): any bearer value is accepted. */
export interface AccessPolicy {
  readonly apiKey: string | null;
}

/** Routes that probes and load balancers ask without a key. */
const OPEN_PATHS = new Set(['/livez', '/readyz', '/startupz', '/health', '/healthz', '/version']);

/** Guards every route but the probes. */
export function registerAuth(app: FastifyInstance, { apiKey }: AccessPolicy): void {
  const expected = apiKey === null ? null : digest(apiKey);
  app.addHook('onRequest', async (request) => {
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

/**
 * A keyless server trusts whoever can reach its loopback port, so a web page must not be able to: its own origin
 * gives it away, and after DNS rebinding the Host header does.
 */
function requireLoopback({ headers }: FastifyRequest): void {
  const origins = [headers.host === undefined ? undefined : `http://${headers.host}`, headers.origin];
  const foreign = origins.find((origin) => origin !== undefined && !isLoopback(origin));
  if (foreign !== undefined) {
    const message = `Requests from ${foreign.slice(0, 100)} are not accepted: without an API key this server answers its own machine only. Configure a key to use it from elsewhere.`;
    throw new CodedError('forbidden_origin', message);
  }
}

function isLoopback(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** Fixed-length, so that the comparison tells nothing about the key's length. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
