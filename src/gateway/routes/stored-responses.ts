import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CodedError } from '../../domain/errors.ts';
import { deleteResponse, listInputItems, readPage, retrieveResponse, type PageQuery } from '../../responses/stored.ts';
import type { ResponseStore } from '../../store/response-store.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { json, operation } from '../openapi/operation.ts';

interface ById {
  Params: { id: string };
}

const tags = ['responses'] as const;
const STORE_ERRORS = ['not_found', 'store_failed', 'store_unavailable'] as const;

const RETRIEVE = operation({
  operationId: 'retrieveResponse',
  summary: 'A kept response',
  tags,
  parameters: Type.Object({
    stream: Type.Optional(Type.String({ description: '`true` is refused: nothing is streamed twice.' })),
  }),
  answers: { 200: json('The response, as it was answered.', ref('Response')) },
  errors: ['invalid_value', ...STORE_ERRORS],
});
const DELETE = operation({
  operationId: 'deleteResponse',
  summary: 'Deletes a response',
  description: 'It is gone from the files once this has been answered. What continued it goes on working.',
  tags,
  answers: { 200: json('It is gone.', ref('DeletedResponse')) },
  errors: STORE_ERRORS,
});
const LIST_INPUT = operation({
  operationId: 'listInputItems',
  summary: 'What a response was given',
  tags,
  parameters: Type.Object({
    after: Type.Optional(Type.String({ description: 'The id of the last item of the page before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
    order: Type.Optional(Type.Enum(['asc', 'desc'], { default: 'desc' })),
  }),
  answers: { 200: json('A page of items, those of earlier turns included.', ref('InputItems')) },
  errors: ['invalid_type', 'invalid_value', 'integer_below_minimum', 'integer_above_maximum', ...STORE_ERRORS],
});
const CANCEL = operation({
  operationId: 'cancelResponse',
  summary: 'Refused: only background responses could be cancelled',
  description: 'Closing the connection ends a response that is being made.',
  tags,
  answers: {},
  errors: ['not_cancellable', 'shutting_down', ...STORE_ERRORS],
});

/** What can be done with responses that are kept: read, list what they were given, delete; cancel is for later ones. */
export function registerStoredResponses(app: FastifyInstance, deps: GatewayDeps): void {
  const store = (): ResponseStore => {
    const { memory } = deps.responses;
    if (memory !== null) return memory.store;
    throw new CodedError('store_unavailable', "Responses are not stored here; the server's log says why.");
  };
  app.get<ById & { Querystring: { stream?: string } }>('/responses/:id', RETRIEVE, (request) => {
    if (request.query.stream === 'true') {
      const message = 'Only responses made with background can be streamed again. Leave stream out.';
      throw new CodedError('invalid_value', message, { param: 'stream' });
    }
    return retrieveResponse(store(), request.caller.project, request.params.id);
  });
  app.delete<ById>('/responses/:id', DELETE, (request) =>
    deleteResponse(store(), request.caller.project, request.params.id),
  );
  app.get<ById & { Querystring: PageQuery }>('/responses/:id/input_items', LIST_INPUT, (request) =>
    listInputItems(store(), request.caller.project, request.params.id, readPage(request.query)),
  );
  app.post<ById>('/responses/:id/cancel', CANCEL, async (request) => {
    await retrieveResponse(store(), request.caller.project, request.params.id);
    const message = 'Only responses created with background can be cancelled. Close the connection of a running one.';
    throw new CodedError('not_cancellable', message, { param: 'response_id' });
  });
}
