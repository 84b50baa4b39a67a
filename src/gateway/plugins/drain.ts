import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';

/** How far the end of Chorus is. */
export interface DrainState {
  /** Asked to end: whoever connects should look elsewhere. */
  readonly isClosing: () => boolean;
  /** No more requests are begun. */
  readonly isRefusing: () => boolean;
}

/** As long as a service manager takes to notice and a start to begin; a balancer has another server at once. */
const RETRY_AFTER_SECONDS = 10;

/**
 * At the end of Chorus every answer closes its connection, so that the next request finds another server, and what
 * would begin a response is refused in a way that clients and balancers try again.
 */
export function registerDrain(api: FastifyInstance, { isClosing, isRefusing }: DrainState): void {
  api.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing()) reply.header('connection', 'close');
    done(null, payload);
  });
  api.addHook('preValidation', ({ method }, _reply, done) => {
    if (method !== 'POST' || !isRefusing()) return done();
    const message = 'Chorus is shutting down and takes no new requests. Try again, or ask another server.';
    done(new CodedError('shutting_down', message, { retryAfterSeconds: RETRY_AFTER_SECONDS }));
  });
}
