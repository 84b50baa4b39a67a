import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';

/**
 * Bodies are JSON and nothing else. An empty one counts as absent: clients name a content type also where they send
 * nothing, as the openai package for Python does with DELETE.
 */
export function registerJsonBody(app: FastifyInstance): void {
  app.removeContentTypeParser(['text/plain', 'application/json']);
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (body === '') done(null);
    else if (encoding === 'identity') void parseJson(request, body, done);
    else done(compressed(encoding));
  });
}

function compressed(encoding: string): CodedError {
  const message = `Bodies with content-encoding '${encoding.slice(0, 40)}' are not read here. Send the JSON as it is.`;
  return new CodedError('unsupported_media_type', message);
}
