import type { Clock } from '../domain/clock.ts';
import { systemClock } from '../system/clock.ts';
import { chooseApi, isGptOss, type ApiChoice } from './choose-api.ts';
import { LMError } from './errors.ts';
import { given, mergeGeneration, type GenerationOptions, type LMOptions } from './options.ts';

/** Where environment variables come from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What an LM works with: options and variables, read. */
export interface Settings {
  readonly model: string;
  readonly choice: ApiChoice;
  readonly autoStore: boolean;
  readonly generation: GenerationOptions;
  readonly baseURL: string;
  readonly apiKey: string;
  /** The whole URL of the token route. */
  readonly generateURL: string;
  readonly maxRetries?: number;
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

const OPENAI_URL = 'https://api.openai.com/v1';
/** Where `chorus serve` listens by default. */
const LOCAL_URL = 'http://127.0.0.1:8000/v1';
/** What a keyless server takes for a key. */
const NO_KEY = 'EMPTY';
const GENERATE_PATH = '/inference/v1/generate';

/** Options win over variables; an empty variable is none. Throws an `LMError` for what makes no sense. */
export function readSettings(model: string, options: LMOptions, environment: Environment): Settings {
  const variable = (name: string): string | undefined => environment[name] || undefined;
  const baseURL = options.baseURL ?? variable('OPENAI_BASE_URL') ?? (isGptOss(model) ? LOCAL_URL : OPENAI_URL);
  const isOpenAI = hostOf(baseURL) === hostOf(OPENAI_URL);
  const harmonyEndpoint = options.harmonyEndpoint ?? variable('SYNTH_GPU_HARMONY_ENDPOINT');
  const apiKey = options.apiKey ?? variable('OPENAI_API_KEY') ?? NO_KEY;
  if (isOpenAI && apiKey === NO_KEY) {
    throw new LMError('invalid_options', `${baseURL} needs a key: set OPENAI_API_KEY or the option apiKey.`);
  }
  return {
    model,
    choice: chooseApi({
      model,
      mode: options.mode ?? 'auto',
      useResponsesApi: options.useResponsesApi ?? 'auto',
      environmentSays: readFlag(variable, 'SYNTH_AI_USE_RESPONSES_API') ?? 'auto',
      hasHarmonyEndpoint: harmonyEndpoint !== undefined,
      isOpenAI,
    }),
    autoStore: options.autoStoreResponses ?? readSwitch(variable, 'SYNTH_AI_AUTO_STORE_RESPONSES') ?? true,
    generation: mergeGeneration({}, options),
    baseURL,
    apiKey,
    generateURL: generateURL(harmonyEndpoint ?? baseURL),
    clock: options.clock ?? systemClock,
    ...given({ maxRetries: options.maxRetries, timeoutMs: options.timeoutMs }),
  };
}

/** The token route of a server that is named by its root, by its OpenAI base URL, or by that route itself. */
export function generateURL(endpoint: string): string {
  const url = parseURL(endpoint);
  const path = url.pathname.replace(/\/+$/, '');
  if (!path.endsWith(GENERATE_PATH)) url.pathname = path.replace(/(?:\/api)?\/v1$/, '') + GENERATE_PATH;
  return url.href;
}

const hostOf = (url: string): string => parseURL(url).host;

function parseURL(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed;
  throw new LMError(
    'invalid_options',
    `${JSON.stringify(url)} is no URL of a server: it begins with http:// or https://.`,
  );
}

function readFlag(variable: (name: string) => string | undefined, name: string): boolean | 'auto' | undefined {
  const value = variable(name)?.toLowerCase();
  if (value === undefined || value === 'auto') return value;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new LMError('invalid_options', `${name} is ${JSON.stringify(value)}; it may be auto, true or false.`);
}

function readSwitch(variable: (name: string) => string | undefined, name: string): boolean | undefined {
  const value = readFlag(variable, name);
  if (value !== 'auto') return value;
  throw new LMError('invalid_options', `${name} is "auto"; it may be true or false.`);
}
