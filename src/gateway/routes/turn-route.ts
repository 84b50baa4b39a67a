import type { FastifyInstance } from 'fastify';
import type { ErrorName } from '../../domain/errors.ts';
import type { PrepareOptions } from '../../responses/request.ts';
import { NOTHING_RECALLED } from '../../responses/recall.ts';
import { answerStream, answerWhole, type AskedTurn } from '../../turn/answer-turn.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import type { operation } from '../openapi/operation.ts';
import { clientGone, replyStream } from '../reply-turn.ts';
import { readableBody } from '../validation.ts';

/** What can be wrong with any turn, beside its body. */
export const TURN_ERRORS: readonly ErrorName[] = [
  'mutually_exclusive',
  'unsupported_parameter',
  'unknown_model',
  'context_length_exceeded',
  'deadly_request',
  'model_not_served',
  'no_replica',
  'still_loading',
  'shutting_down',
  'engine_busy',
  'engine_failed',
];

/** A POST route that answers with what one turn makes, whole or as a stream, and keeps nothing. */
export interface TurnRoute<Body> {
  readonly path: string;
  /** As `/openapi.json` tells of it; its body is checked by this schema. */
  readonly options: ReturnType<typeof operation>;
  /** Throws a `CodedError` for what cannot be asked. */
  readonly prepare: (body: Body, options: PrepareOptions) => AskedTurn<unknown>;
}

export function registerTurnRoute<Body extends { readonly stream?: boolean }>(
  app: FastifyInstance,
  deps: GatewayDeps,
  { path, options, prepare }: TurnRoute<Body>,
): void {
  app.post<{ Body: Body }>(
    path,
    {
      ...options,
      preValidation: async (request) => {
        request.body = readableBody(request.body) as Body;
      },
    },
    async (request, reply) => {
      const body = request.body as Body;
      const { caller } = request;
      const nowMs = deps.clock.nowMs();
      const asked = prepare(body, { ...deps.prepare, nowMs, caller, recalled: NOTHING_RECALLED, retentionMs: null });
      const signal = clientGone(reply);
      if (body.stream === true) {
        return replyStream(reply, deps.clock, signal, (write, control) =>
          answerStream(deps.responses, asked, write, control),
        );
      }
      const answer = await answerWhole(deps.responses, asked, signal);
      return answer === null ? reply.hijack() : answer;
    },
  );
}
