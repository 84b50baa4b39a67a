import { CodedError } from '../domain/errors.ts';
import { VOCABULARY_SIZE } from '../harmony/tokens.ts';
import type { SamplingFields } from '../protocol/sampling.ts';
import type { TurnSampling } from './sampling.ts';

/** What every API says in its own way. */
type Decided = Pick<TurnSampling, 'temperature' | 'topLogprobs' | 'stopTokenIds' | 'extras'>;

/** The sampling fields of a body. Throws a `CodedError` that names the field. */
export function readSampling(fields: SamplingFields, decided: Decided): TurnSampling {
  return {
    temperature: decided.temperature,
    topP: fields.top_p ?? 1,
    topK: fields.top_k ?? 0,
    minP: fields.min_p ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    presencePenalty: fields.presence_penalty ?? 0,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    seed: fields.seed ?? null,
    priority: fields.priority ?? 0,
    logitBias: fields.logit_bias === undefined ? null : readLogitBias(fields.logit_bias),
    topLogprobs: decided.topLogprobs,
    stopTokenIds: decided.stopTokenIds,
    extras: decided.extras,
  };
}

/** The stop strings of a body. An empty one would end every answer before it begins. */
export function readStop({ stop }: SamplingFields): readonly string[] {
  const stops = stop === undefined ? [] : typeof stop === 'string' ? [stop] : stop;
  if (!stops.includes('')) return stops;
  throw new CodedError('invalid_value', 'stop must not contain an empty string.', { param: 'stop' });
}

function readLogitBias(bias: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const foreign = Object.keys(bias).find((id) => !/^\d{1,6}$/.test(id) || Number(id) >= VOCABULARY_SIZE);
  if (foreign === undefined) return bias;
  const message = `logit_bias has the key '${foreign.slice(0, 40)}'; keys are token ids from 0 to ${VOCABULARY_SIZE - 1}.`;
  throw new CodedError('invalid_value', message, { param: 'logit_bias' });
}
