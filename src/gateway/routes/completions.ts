import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { prepareCompletion } from '../../completions/prepare-completion.ts';
import { CreateCompletionBody } from '../../protocol/completions.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { jsonOrEvents, operation } from '../openapi/operation.ts';
import { registerTurnRoute, TURN_ERRORS } from './turn-route.ts';

const CREATE = operation({
  operationId: 'createCompletion',
  summary: 'Goes on with a text',
  description:
    'Raw: no message is made of the prompt, and none is read from the output. Text never becomes a control token, and ' +
    'control tokens have no text; token ids as `prompt` may hold them, and `return_token_ids` tells them.',
  tags: ['learning-v2'],
  body: CreateCompletionBody,
  example: { model: 'gpt-oss-20b', prompt: 'Seven and eight are', max_tokens: 8, temperature: 0 },
  answers: {
    200: jsonOrEvents('The completion, or its chunks while it is made.', {
      json: ref('Completion'),
      event: Type.Union([ref('CompletionChunk'), ref('Error')]),
    }),
  },
  errors: TURN_ERRORS,
});

/** `POST /completions`. */
export function registerCompletions(app: FastifyInstance, deps: GatewayDeps): void {
  const place = { vocabulary: deps.responses.turn.vocabulary, fingerprint: `chorus-${deps.version}` };
  registerTurnRoute<CreateCompletionBody>(app, deps, {
    path: '/completions',
    options: CREATE,
    prepare: (body, options) => prepareCompletion(body, options, place),
  });
}
