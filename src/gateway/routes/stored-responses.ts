import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';
import { deleteResponse, listInputItems, readPage, retrieveResponse, type PageQuery } from '../../responses/stored.ts';
import type { ResponseStore } from '../../store/response-store.ts';
import type { GatewayDeps } from '../gateway-deps.ts';

interface ById {
  Params: { id: string };
}

/** What can be done with responses that are kept: read, list what they were given, delete; cancel is for later ones. */
export function registerStoredResponses(app: FastifyInstance, deps: GatewayDeps): void {
  const store = (): ResponseStore => {
    const { memory } = deps.responses;
    if (memory !== null) return memory.store;
    throw new CodedError('store_unavailable', "Responses are not stored here; the server's log says why.");
  };
  app.get<ById & { Querystring: { stream?: string } }>('/responses/:id', (request) => {
    if (request.query.stream === 'true') {
      const message = 'Only responses made with background can be streamed again. Leave stream out.';
      throw new CodedError('invalid_value', message, { param: 'stream' });
    }
    return retrieveResponse(store(), request.caller.project, request.params.id);
  });
  app.delete<ById>('/responses/:id', (request) => deleteResponse(store(), request.caller.project, request.params.id));
  app.get<ById & { Querystring: PageQuery }>('/responses/:id/input_items', (request) =>
    listInputItems(store(), request.caller.project, request.params.id, readPage(request.query)),
  );
  app.post<ById>('/responses/:id/cancel', async (request) => {
    await retrieveResponse(store(), request.caller.project, request.params.id);
    const message = 'Only responses created with background can be cancelled. Close the connection of a running one.';
    throw new CodedError('not_cancellable', message, { param: 'response_id' });
  });
}
