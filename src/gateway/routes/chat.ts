import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { prepareChat } from '../../chat/prepare-chat.ts';
import { CreateChatBody } from '../../protocol/chat.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { jsonOrEvents, operation } from '../openapi/operation.ts';
import { registerTurnRoute, TURN_ERRORS } from './turn-route.ts';

const CREATE = operation({
  operationId: 'createChatCompletion',
  summary: 'Makes a chat completion',
  description:
    'A stream where the body has `stream`, else JSON. null means absent. Nothing is kept, also with `store`: the ' +
    'conversation is what the next request sends.',
  tags: ['learning-v2'],
  body: CreateChatBody,
  example: { model: 'gpt-oss-20b', messages: [{ role: 'user', content: 'What is 7 + 8?' }], temperature: 0 },
  answers: {
    200: jsonOrEvents('The completion, or its chunks while it is made.', {
      json: ref('ChatCompletion'),
      event: Type.Union([ref('ChatCompletionChunk'), ref('Error')]),
    }),
  },
  errors: [
    ...TURN_ERRORS,
    'invalid_function_schema',
    'invalid_answer_schema',
    'unknown_tool',
    'unmatched_call',
    'broken_promise',
  ],
});

/** `POST /chat/completions`. */
export function registerChat(app: FastifyInstance, deps: GatewayDeps): void {
  const fingerprint = `chorus-${deps.version}`;
  registerTurnRoute<CreateChatBody>(app, deps, {
    path: '/chat/completions',
    options: CREATE,
    prepare: (body, options) => prepareChat(body, options, fingerprint),
  });
}
