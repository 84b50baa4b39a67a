import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { CodedError } from '../../domain/errors.ts';
import { CreateResponseBody } from '../../protocol/responses.ts';
import { withoutAliases } from '../../responses/aliases.ts';
import { createResponse, streamResponse, withOutputText } from '../../responses/create.ts';
import { recall } from '../../responses/recall.ts';
import { prepareResponse, type PreparedResponse } from '../../responses/request.ts';
import { Flow } from '../../turn/attempt.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { jsonOrEvents, operation } from '../openapi/operation.ts';
import { SseReply } from '../sse-reply.ts';
import { checkNesting, withoutNulls } from '../validation.ts';

const Query = Type.Object({ stream: Type.Optional(Type.Enum(['true', 'false', '1', '0'])) });

const CREATE = operation({
  operationId: 'createResponse',
  summary: 'Makes a response',
  description:
    'A stream where the body or the query has `stream`, else JSON. null means absent. Other names: `prompt` and ' +
    '`messages` (the chat shape) for `input`, `response_format` for `text.format`.',
  tags: ['responses', 'learning-v2'],
  body: CreateResponseBody,
  querystring: Query,
  answers: {
    200: jsonOrEvents('The response, or its events while it is made.', {
      json: ref('Response'),
      event: ref('ResponseStreamEvent'),
    }),
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
        if (request.body === undefined) throw new CodedError('empty_body', 'The body is empty. Send a JSON object.');
        checkNesting(request.body);
        request.body = withoutAliases(withoutNulls(request.body)) as CreateResponseBody;
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
      return wantsStream ? replyStream(deps, prepared, reply, signal) : replyJson(deps, prepared, reply, signal);
    },
  );
}

async function replyJson(
  deps: GatewayDeps,
  prepared: PreparedResponse,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await createResponse(deps.responses, prepared, signal);
  return response === null ? reply.hijack() : withOutputText(response);
}

async function replyStream(
  deps: GatewayDeps,
  prepared: PreparedResponse,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<void> {
  reply.hijack();
  const flow = new Flow();
  const sse = new SseReply(reply.raw, { flow, clock: deps.clock });
  sse.open(reply.getHeaders() as Record<string, string>);
  await streamResponse(deps.responses, prepared, sse.write, { flow, signal });
  sse.end();
}

/**
 * Aborts when the client's connection closes before the answer is complete. Fastify's own `request.signal` aborts as
 * soon as the body of a POST has been read (fastify PR 6725), so the reply's socket is what tells.
 */
function clientGone({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  if (raw.destroyed) controller.abort(new Error('the client closed the connection'));
  raw.on('close', () => {
    if (!raw.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  return controller.signal;
}
