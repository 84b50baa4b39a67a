import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CodedError, toCodedError } from '../../domain/errors.ts';
import { MiB } from '../../domain/units.ts';
import { StoreError } from '../../store/response-store.ts';
import { validationError } from '../validation.ts';

/** Makes every failure of a request an answer in OpenAI's error shape. */
export function registerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const coded = fromFastify(error, request, app.initialConfig.bodyLimit ?? 0);
    if (coded.errorName === 'internal')
      request.log.error({ reqId: request.id, err: error }, 'request failed unexpectedly');
    if (error instanceof StoreError)
      request.log.error({ reqId: request.id, err: error, reason: error.message }, 'request failed by the store');
    if (coded.errorName === 'body_too_large') letItArrive(request, reply);
    return sendError(reply, coded);
  });
}

/** A longer rest is not worth reading for the sake of a friendly error. */
const MAX_DISCARDED_BYTES = 256 * MiB;

/**
 * Fastify closes the connection under a body that is too large, and a client that is still sending gets a broken pipe
 * instead of the answer. Reading the rest away lets it finish and read what was wrong.
 */
function letItArrive({ headers }: FastifyRequest, reply: FastifyReply): void {
  if (Number(headers['content-length'] ?? Infinity) <= MAX_DISCARDED_BYTES) reply.removeHeader('connection');
}

export function sendError(reply: FastifyReply, error: CodedError): FastifyReply {
  if (error.retryAfterSeconds !== null) reply.header('retry-after', error.retryAfterSeconds);
  return reply.code(error.status).type('application/json').send(error.toBody());
}

function fromFastify(error: FastifyError, request: FastifyRequest, bodyLimitBytes: number): CodedError {
  if (error instanceof StoreError) return storeFailed(error);
  const [first, ...others] = error.validation ?? [];
  if (first) return validationError([first, ...others]);
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new CodedError('bad_json', 'The body is not valid JSON.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new CodedError('unsupported_media_type', "Send the body as 'content-type: application/json'.");
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new CodedError('body_too_large', `The body is larger than ${Math.floor(bodyLimitBytes / MiB)} MiB.`);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new CodedError('bad_json', 'The body is not as long as its content-length says.');
    // Of the method QUERY, before it is looked at whether a route has it; none does.
    case 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE':
      return unknownRoute(request);
    default:
      return toCodedError(error);
  }
}

function storeFailed(error: StoreError): CodedError {
  const message = `What is stored could not be read or changed: ${error.message}`;
  return new CodedError('store_failed', message, { cause: error });
}

export function unknownRoute({ method, url }: Pick<FastifyRequest, 'method' | 'url'>): CodedError {
  const path = url.split('?')[0] ?? url;
  return new CodedError(
    'not_found',
    `Unknown request URL: ${method} ${path.slice(0, 200)}. The API is under /v1 (also /api/v1).`,
  );
}
