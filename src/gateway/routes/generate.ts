import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { prepareGeneration } from '../../completions/prepare-generation.ts';
import { GenerateBody } from '../../protocol/generation.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { jsonOrEvents, operation } from '../openapi/operation.ts';
import { registerTurnRoute, TURN_ERRORS } from './turn-route.ts';

const GENERATE = operation({
  operationId: 'generate',
  summary: 'Token ids in, token ids out',
  description:
    "vLLM's route of this name, balanced over the engines. `request_id` and `cache_salt` are the server's to say. " +
    'Outside the prefixes.',
  tags: ['learning-v2'],
  body: GenerateBody,
  // `<|start|>user<|message|>Hi<|end|><|start|>assistant`
  example: {
    model: 'gpt-oss-20b',
    token_ids: [200006, 1428, 200008, 12194, 200007, 200006, 173781],
    sampling_params: { max_tokens: 32, temperature: 0 },
  },
  answers: {
    200: jsonOrEvents('The generation, or its frames while it is made.', {
      json: ref('Generation'),
      event: Type.Union([ref('GenerationChunk'), ref('Error')]),
    }),
  },
  errors: TURN_ERRORS,
});

/** `POST /inference/v1/generate`. */
export function registerGenerate(app: FastifyInstance, deps: GatewayDeps): void {
  registerTurnRoute<GenerateBody>(app, deps, {
    path: '/inference/v1/generate',
    options: GENERATE,
    prepare: prepareGeneration,
  });
}
