import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { CreateResponseBody } from '../../protocol/responses.ts';
import { withoutAliases } from '../../responses/aliases.ts';
import { askedResponse, withOutputText } from '../../responses/asked-response.ts';
import { recall } from '../../responses/recall.ts';
import { prepareResponse } from '../../responses/request.ts';
import { answerStream, answerWhole } from '../../turn/answer-turn.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { jsonOrEvents, operation } from '../openapi/operation.ts';
import { clientGone, replyStream } from '../reply-turn.ts';
import { readableBody } from '../validation.ts';

const Query = Type.Object({ stream: Type.Optional(Type.Enum(['true', 'false', '1', '0'])) });

const CREATE = operation({
  operationId: 'createResponse',
  summary: 'Makes a response',
  description:
    'A stream where the body or the query has `stream`, else JSON. null means absent. Other names: `prompt` and ' +
    '`messages` (the chat shape) for `input`, `response_format` for `text.format`.',
  tags: ['responses', 'learning-v2'],
  body: CreateResponseBody,
  example: { model: 'gpt-oss-20b', input: 'What is 7 + 8?', temperature: 0 },
  querystring: Query,
  answers: {
    200: jsonOrEvents('The response, or its events while it is made.', {
      json: ref('Response'),
      event: ref('ResponseStreamEvent'),
    }),
  },
  links: {
    200: {
      Retrieve: { operationId: 'retrieveResponse', parameters: { id: '$response.body#/id' } },
      ListInput: { operationId: 'listInputItems', parameters: { id: '$response.body#/id' } },
      Cancel: { operationId: 'cancelResponse', parameters: { id: '$response.body#/id' } },
      Delete: { operationId: 'deleteResponse', parameters: { id: '$response.body#/id' } },
    },
  },
  errors: [
    'mutually_exclusive',
    'invalid_function_schema',
    'invalid_answer_schema',
    'unknown_tool',
    'unmatched_call',
    'unsupported_parameter',
    'model_not_found',
    'context_length_exceeded',
    'deadly_request',
    'previous_response_not_found',
    'invalid_previous_response',
    'item_not_found',
    'model_not_served',
    'no_replica',
    'still_loading',
    'shutting_down',
    'engine_busy',
    'engine_failed',
    'broken_promise',
    'store_failed',
    'store_unavailable',
  ],
});

/** `POST /responses`. */
export function registerResponses(app: FastifyInstance, deps: GatewayDeps): void {
  app.post<{ Body: CreateResponseBody; Querystring: { stream?: string } }>(
    '/responses',
    {
      ...CREATE,
      preValidation: async (request) => {
        request.body = withoutAliases(readableBody(request.body)) as CreateResponseBody;
      },
    },
    async (request, reply) => {
      const signal = clientGone(reply);
      const { memory } = deps.responses;
      const { stream } = request.query;
      const wantsStream = request.body.stream ?? (stream === 'true' || stream === '1');
      const { caller } = request;
      const recalled = await recall(memory?.store ?? null, caller.project, request.body, deps.prepare.unseal);
      const nowMs = deps.clock.nowMs();
      const prepared = prepareResponse(request.body, {
        nowMs,
        caller,
        recalled,
        retentionMs: memory?.retentionMs ?? null,
        ...deps.prepare,
      });
      const asked = askedResponse(deps.responses, prepared);
      if (wantsStream) {
        return replyStream(reply, deps.clock, signal, (write, control) =>
          answerStream(deps.responses, asked, write, control),
        );
      }
      const response = await answerWhole(deps.responses, asked, signal);
      return response === null ? reply.hijack() : withOutputText(response);
    },
  );
}
