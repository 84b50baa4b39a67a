import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../domain/errors.ts';
import { MODEL_IDS, resolveModelId, type ModelId } from '../../domain/model.ts';
import type { Progress } from '../../engine/start-estimate.ts';
import type { GatewayDeps } from '../gateway-deps.ts';
import { ref } from '../openapi/components.ts';
import { json, operation } from '../openapi/operation.ts';

/** gpt-oss was published on 2025-08-05. */
const PUBLISHED_SECONDS = 1_754_352_000;

const LIST = operation({
  operationId: 'listModels',
  summary: 'The two models and how they are',
  tags: ['learning-v2'],
  answers: { 200: json('Always both, whatever runs.', ref('ModelList')) },
});
const RETRIEVE = operation({
  operationId: 'retrieveModel',
  summary: 'One model and how it is',
  description: 'Also by its name on the Hugging Face hub, `openai/gpt-oss-20b`.',
  tags: ['learning-v2'],
  answers: { 200: json('The model.', ref('Model')) },
});

/** `GET /models` and `GET /models/{id}`: always exactly the two ids, whatever runs. */
export function registerModels(app: FastifyInstance, deps: GatewayDeps): void {
  const view = (id: ModelId): object => {
    const { state, sentence, progress, contextTokens, simulated } = deps.modelState(id);
    return {
      id,
      object: 'model',
      created: PUBLISHED_SECONDS,
      owned_by: 'openai',
      state,
      reason: sentence,
      progress: progress && progressView(progress),
      max_model_len: contextTokens,
      simulated,
    };
  };
  app.get('/models', LIST, () => ({ object: 'list', data: MODEL_IDS.map(view) }));
  app.get<{ Params: { '*': string } }>('/models/*', RETRIEVE, (request) => {
    const name = request.params['*'];
    const id = resolveModelId(name);
    if (id !== null) return view(id);
    const message = `The model '${name.slice(0, 80)}' does not exist. Use 'gpt-oss-20b' or 'gpt-oss-120b'.`;
    throw new CodedError('not_found', message, { param: 'model' });
  });
}

function progressView({ phase, percent, leftMs }: Progress): object {
  return { phase, percent, left_seconds: leftMs === null ? null : Math.ceil(leftMs / 1000) };
}
