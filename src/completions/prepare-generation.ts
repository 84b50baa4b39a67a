import { CodedError } from '../domain/errors.ts';
import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import type { EngineExtras } from '../protocol/generate.ts';
import type { GenerateBody, Generation } from '../protocol/generation.ts';
import { newDashedId } from '../responses/ids.ts';
import { servedModel, type PrepareOptions } from '../responses/request.ts';
import type { AskedTurn } from '../turn/answer-turn.ts';
import { readSampling, readStop } from '../turn/read-sampling.ts';
import { GenerationWriter } from './generation-writer.ts';
import { withWording, type Wording } from './reword.ts';

type SamplingParams = GenerateBody['sampling_params'];

const OWN_NAMES: Readonly<Record<string, string>> = {
  input: 'token_ids',
  stop: 'sampling_params.stop',
  logit_bias: 'sampling_params.logit_bias',
};
const WORDING: Wording = { param: (param) => OWN_NAMES[param] ?? param, names: [] };

/**
 * Checks a well-typed body and says what to ask. Whose prefix cache it shares is not the body's to say, nor what it is
 * called. Throws a `CodedError` that names the field.
 */
export function prepareGeneration(
  body: GenerateBody,
  options: Omit<PrepareOptions, 'recalled' | 'retentionMs'>,
): AskedTurn<Generation> {
  const { caller, nowMs } = options;
  const { sampling_params: params, token_ids: tokenIds } = body;
  refuseUnsupported(body);
  const id = newDashedId('gen', nowMs);
  const turn = withWording(WORDING, () => ({
    requestId: id,
    cacheSalt: caller.project,
    authorization: caller.authorization ?? null,
    model: readModel(body, options),
    prompt: { kind: 'tokens', tokenIds } as const,
    maxOutputTokens: params.max_tokens ?? null,
    sampling: readSampling(
      { ...params, priority: body.priority ?? params.priority ?? 0 },
      {
        temperature: params.temperature ?? options.defaultTemperature,
        topLogprobs: params.logprobs ?? null,
        stopTokenIds: params.stop_token_ids ?? [],
        extras: readExtras(params),
      },
    ),
    stop: readStop(params),
    rule: null,
  }));
  return {
    api: 'generate',
    caller,
    turn,
    openWriter: (write, onFirstOutput) => {
      const style = {
        head: { request_id: id, model: turn.model, created: Math.floor(nowMs / 1000) },
        wording: WORDING,
        stopTokenIds: turn.sampling.stopTokenIds,
        includesUsage: body.stream_options?.include_usage === true,
      };
      return new GenerationWriter(style, write, onFirstOutput);
    },
  };
}

/** The only one that is served, where none is named. */
function readModel({ model }: GenerateBody, options: Pick<PrepareOptions, 'whyNotServed'>): ModelId {
  if (model !== undefined) return servedModel(model, options);
  const [first, second] = MODEL_IDS.filter((id) => options.whyNotServed(id) === null);
  if (second === undefined) return servedModel(first ?? 'gpt-oss-20b', options);
  const message = 'Missing required parameter: model. More than one is served here.';
  throw new CodedError('missing_parameter', message, { param: 'model' });
}

const EXTRAS = [
  'ignore_eos',
  'min_tokens',
  'allowed_token_ids',
  'bad_words',
  'stream_interval',
  'structured_outputs',
] as const satisfies readonly (keyof EngineExtras)[];

function readExtras(params: SamplingParams): EngineExtras | null {
  const given = EXTRAS.filter((name) => params[name] !== undefined);
  return given.length === 0 ? null : Object.fromEntries(given.map((name) => [name, params[name]]));
}

function refuseUnsupported({ sampling_params: params, ...body }: GenerateBody): void {
  if (params.n !== undefined && params.n > 1) {
    const message = 'One request gives one answer here. Send the request several times instead.';
    throw new CodedError('unsupported_parameter', message, { param: 'sampling_params.n' });
  }
  if (params.prompt_logprobs !== undefined) {
    const message = 'Log probabilities of the prompt are not told. Leave prompt_logprobs out.';
    throw new CodedError('unsupported_parameter', message, { param: 'sampling_params.prompt_logprobs' });
  }
  for (const param of ['features', 'content_parts', 'kv_transfer_params'] as const) {
    if (body[param] === undefined) continue;
    const message = `${param} is not supported: an engine gets token ids alone. Leave it out.`;
    throw new CodedError('unsupported_parameter', message, { param });
  }
}
