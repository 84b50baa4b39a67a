import { LMError } from './errors.ts';
import type { LMOptions } from './options.ts';
import type { ApiType } from './result.ts';

/** Which API an LM uses, and why. */
export interface ApiChoice {
  readonly apiType: ApiType;
  readonly reason: string;
  /** Whether a server without `/responses` is asked by `/chat/completions` instead. */
  readonly canFallBack: boolean;
}

/** What the choice depends on. */
export interface ApiWish {
  readonly model: string;
  readonly mode: NonNullable<LMOptions['mode']>;
  readonly useResponsesApi: NonNullable<LMOptions['useResponsesApi']>;
  /** What `SYNTH_AI_USE_RESPONSES_API` says. */
  readonly environmentSays: boolean | 'auto';
  /** An endpoint for harmony mode was named. */
  readonly hasHarmonyEndpoint: boolean;
  /** The base URL is OpenAI's own. */
  readonly isOpenAI: boolean;
}

const GPT_OSS = /^(?:openai\/)?gpt-oss-/;
/** By name, perhaps with the date of a snapshot. */
const KNOWN_FOR_RESPONSES = /^(?:o1-mini|o1-preview|gpt-4o-mini|gpt-4o)(?:-\d{4}-\d{2}-\d{2})?$/;
/** What OpenAI made before its Responses API and did not bring there. */
const OLDER_THAN_RESPONSES = /^(?:gpt-3|gpt-4(?:$|-)|chatgpt-|davinci|babbage|text-|ft:(?:gpt-3|davinci|babbage))/;

/** Whether a model is gpt-oss, which speaks harmony and reads its own reasoning. */
export const isGptOss = (model: string): boolean => GPT_OSS.test(model);

/**
 * Which API to use: the one that is named (`mode`, then `useResponsesApi`, then the variable). Under auto gpt-oss with a
 * harmony endpoint uses that, models known for Responses use Responses, and everything else chat. Throws an `LMError`
 * for wishes that contradict each other.
 */
export function chooseApi(wish: ApiWish): ApiChoice {
  const { model, mode, useResponsesApi } = wish;
  if (mode !== 'auto' && useResponsesApi !== 'auto' && (mode === 'responses') !== useResponsesApi) {
    const said = `mode is "${mode}" and useResponsesApi is ${useResponsesApi}`;
    throw new LMError('invalid_options', `${said}: leave one of them out.`);
  }
  if (mode === 'harmony' && !isGptOss(model)) {
    throw new LMError('invalid_options', `mode "harmony" is gpt-oss's own format, which ${model} does not speak.`);
  }
  if (mode !== 'auto') return named(mode, `mode is "${mode}"`);
  if (useResponsesApi !== 'auto') return named(byFlag(useResponsesApi), `useResponsesApi is ${useResponsesApi}`);
  if (wish.environmentSays !== 'auto') {
    return named(byFlag(wish.environmentSays), `SYNTH_AI_USE_RESPONSES_API is ${wish.environmentSays}`);
  }
  return chooseByModel(wish);
}

const byFlag = (useResponses: boolean): ApiType => (useResponses ? 'responses' : 'chat');

const named = (apiType: ApiType, reason: string): ApiChoice => ({ apiType, reason, canFallBack: false });

function chooseByModel({ model, hasHarmonyEndpoint, isOpenAI }: ApiWish): ApiChoice {
  if (isGptOss(model) && hasHarmonyEndpoint) return named('harmony', `${model} has a harmony endpoint`);
  const fitting: ApiChoice = { apiType: 'responses', reason: `${model} is known for Responses`, canFallBack: true };
  if (isGptOss(model) || KNOWN_FOR_RESPONSES.test(model)) return fitting;
  if (isOpenAI && !OLDER_THAN_RESPONSES.test(model)) {
    return { ...fitting, reason: `${model} at OpenAI is newer than Responses` };
  }
  return named('chat', `${model} is not known for Responses`);
}
