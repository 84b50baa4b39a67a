import { isObject, type JsonObject } from '../domain/json.ts';
import type { TokenRoute } from '../domain/replica.ts';
import type { OutputRule } from '../harmony/structural-tag.ts';
import { VOCABULARY_SIZE } from '../harmony/tokens.ts';
import type { SimulatorOptions } from './command-line.ts';
import { readGrammar, type Grammar } from './grammar.ts';

/** gpt-oss's own ends, which every request has (its `generation_config.json`). */
const EOS_TOKEN_IDS = [200_002, 199_999, 200_012];

/** A generation that may start. */
export interface GenerationRequest {
  readonly promptTokenIds: readonly number[];
  /** Capped so that prompt and output fit the context. */
  readonly maxTokens: number;
  readonly stopTokenIds: ReadonlySet<number>;
  /** What the output is held to. */
  readonly rule: OutputRule | null;
  /** How many tokens to tell the log probabilities of at every step, or null for none. */
  readonly topLogprobs: number | null;
  readonly stream: boolean;
  /** Tokens a frame of a stream, after the first one. */
  readonly streamInterval: number;
  readonly includeUsage: boolean;
  /** Also echoes the prompt; `/v1/completions` gives no ids without it. */
  readonly returnTokenIds: boolean;
  readonly cacheSalt: string;
  readonly requestId: string | null;
}

/** An error answer. A `late` one was noticed after the headers of a stream: it is the first frame, with status 200. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly late: boolean;
}

/** Whether `answer` is an error. */
export const isRefusal = (answer: GenerationRequest | Refusal): answer is Refusal => 'status' in answer;

/** An error answer without more to say. */
export const refuse = (
  message: string,
  param: string | null = null,
  type = 'BadRequestError',
  status = 400,
): Refusal => ({
  status,
  message,
  type,
  param,
  late: false,
});
const late = (message: string, param: string | null = null): Refusal => ({ ...refuse(message, param), late: true });
const invalidBody = (details: readonly string[], param: string): Refusal => {
  const count = details.length === 1 ? '1 validation error' : `${details.length} validation errors`;
  return refuse(`${count}:\n${details.map((detail) => `  ${detail}`).join('\n')}`, param, 'Bad Request');
};

/** Reads and judges a body as vLLM 0.32 does, in its order and with its texts, as far as the gateway can meet them. */
export function readGenerationRequest(
  route: TokenRoute,
  text: string,
  options: Pick<SimulatorOptions, 'maxModelLen' | 'servedNames'>,
): GenerationRequest | Refusal {
  const body = parseObject(text);
  if (body === null)
    return invalidBody(["{'type': 'json_invalid', 'loc': 'body.1', 'msg': 'JSON decode error'}"], 'body.1');
  const sampling = route === 'generate' ? asObject(body['sampling_params']) : body;
  const prompt = route === 'generate' ? body['token_ids'] : body['prompt'];
  const refusal =
    judgeShape(route, prompt, sampling) ??
    judgeModel(body['model'], options.servedNames) ??
    judgeSampling(route, sampling ?? {}, options.maxModelLen);
  if (refusal) return refusal;
  const promptTokenIds = prompt as readonly number[];
  const stopTokenIds = [...EOS_TOKEN_IDS, ...((sampling?.['stop_token_ids'] as number[] | null | undefined) ?? [])];
  const stream = body['stream'] === true;
  const tag = asObject(sampling?.['structured_outputs'])?.['structural_tag'];
  const grammar = typeof tag === 'string' ? readGrammar(tag) : null;
  const found =
    judgeContext(route, promptTokenIds.length, options.maxModelLen) ??
    judgeVocabulary(promptTokenIds, stopTokenIds) ??
    judgeGrammar(route, grammar);
  if (found) return { ...found, late: found.late && stream };
  const room = options.maxModelLen - promptTokenIds.length;
  return {
    promptTokenIds,
    maxTokens: Math.min((sampling?.['max_tokens'] as number | null | undefined) ?? room, room),
    stopTokenIds: new Set(stopTokenIds),
    rule: grammar?.kind === 'rule' ? grammar.rule : null,
    topLogprobs: typeof sampling?.['logprobs'] === 'number' ? sampling['logprobs'] : null,
    stream,
    streamInterval: (sampling?.['stream_interval'] as number | null | undefined) ?? 1,
    includeUsage: asObject(body['stream_options'])?.['include_usage'] === true,
    returnTokenIds: body['return_token_ids'] === true,
    cacheSalt: typeof body['cache_salt'] === 'string' ? body['cache_salt'] : '',
    requestId: typeof body['request_id'] === 'string' ? body['request_id'] : null,
  };
}

function judgeShape(route: TokenRoute, prompt: unknown, sampling: JsonObject | null): Refusal | null {
  const field = route === 'generate' ? 'token_ids' : 'prompt';
  const missing = [prompt === undefined ? field : [], sampling === null ? 'sampling_params' : []].flat();
  if (route === 'generate' && missing.length > 0) {
    const details = missing.map((name) => `{'type': 'missing', 'loc': 'body.${name}', 'msg': 'Field required'}`);
    return invalidBody(details, `body.${missing[0] ?? field}`);
  }
  if (!Array.isArray(prompt)) {
    return refuse('Either prompt or prompt_embeds must be provided and non-empty. (parameter=prompt)', 'prompt');
  }
  if (prompt.length === 0) {
    if (route === 'completions') return refuse('You must pass at least one prompt');
    return invalidBody(
      ["{'type': 'too_short', 'loc': 'body.token_ids', 'msg': 'List should have at least 1 item'}"],
      'body.token_ids',
    );
  }
  const bad = prompt.findIndex((tokenId) => !Number.isInteger(tokenId) || tokenId < 0);
  if (bad === -1) return null;
  const loc = `body.${field}.${bad}`;
  return invalidBody([`{'type': 'int_parsing', 'loc': '${loc}', 'msg': 'Input should be a valid integer'}`], loc);
}

function judgeModel(model: unknown, servedNames: readonly string[]): Refusal | null {
  if (typeof model !== 'string' || servedNames.includes(model)) return null;
  const message = `The model \`${model}\` does not exist. Valid aliases: ${servedNames.join(', ')}.`;
  return refuse(message, 'model', 'NotFoundError', 404);
}

/** What vLLM accepts, and how it says so; the last tells whether it also names the parameter. */
const RANGES: readonly (readonly [name: string, holds: (value: number) => boolean, range: string, named: boolean])[] = [
  ['max_tokens', (value) => value >= 1, 'at least 1', true],
  ['temperature', (value) => value >= 0 && value <= 2, 'in [0, 2]', true],
  ['top_p', (value) => value > 0 && value <= 1, 'in (0, 1]', true],
  ['top_k', (value) => value >= -1, '0 (disable), or at least 1', false],
  ['min_p', (value) => value >= 0 && value <= 1, 'in [0, 1]', false],
  ['repetition_penalty', (value) => value > 0, 'greater than zero', false],
  ['presence_penalty', (value) => value >= -2 && value <= 2, 'in [-2, 2]', false],
  ['frequency_penalty', (value) => value >= -2 && value <= 2, 'in [-2, 2]', false],
  ['stream_interval', (value) => value >= 1, 'at least 1', true],
];
const INTEGERS = ['max_tokens', 'top_k', 'stream_interval'];

function judgeSampling(route: TokenRoute, sampling: JsonObject, maxModelLen: number): Refusal | null {
  const maxTokens = sampling['max_tokens'];
  if (route === 'completions' && typeof maxTokens === 'number' && maxTokens > maxModelLen) {
    const message = `max_tokens=${maxTokens} cannot be greater than max_model_len=${maxModelLen}. Please request fewer output tokens.`;
    return refuse(`${message} (parameter=max_tokens, value=${maxTokens})`, 'max_tokens');
  }
  for (const [name, holds, range, named] of RANGES) {
    const value = sampling[name];
    if (typeof value !== 'number' || holds(value)) continue;
    const spelt = Number.isInteger(value) && !INTEGERS.includes(name) ? value.toFixed(1) : String(value);
    const message = `${name} must be ${range}, got ${spelt}.`;
    return named ? refuse(`${message} (parameter=${name}, value=${spelt})`, name) : refuse(message);
  }
  return null;
}

function judgeContext(route: TokenRoute, promptTokens: number, maxModelLen: number): Refusal | null {
  if (promptTokens < maxModelLen) return null;
  if (route === 'completions') {
    if (promptTokens === maxModelLen) {
      return refuse('max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)', 'max_tokens');
    }
    const message =
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains ${promptTokens} input tokens, ` +
      'which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.';
    return refuse(`${message} (parameter=input_tokens, value=${promptTokens})`, 'input_tokens');
  }
  const limit = `longer than the maximum model length of ${maxModelLen}. Make sure that \`max_model_len\` is no smaller than the number of text tokens`;
  if (promptTokens > maxModelLen) return late(`The decoder prompt (length ${promptTokens}) is ${limit}.`);
  const output = 'plus the number of requested output tokens (at least 1)';
  return late(`The decoder prompt (length ${promptTokens}) ${output} is ${limit} (prompt + requested output tokens).`);
}

function judgeGrammar(route: TokenRoute, grammar: Grammar | null): Refusal | null {
  if (grammar === null || grammar.kind === 'rule') return null;
  if (grammar.kind === 'too_large')
    return { ...refuse('Internal server error', null, 'InternalServerError', 500), late: true };
  if (route === 'generate') return late("Invalid grammar specification: 'triggers'");
  const message = 'Invalid structured_outputs structural_tag specification. (parameter=structured_outputs)';
  return refuse(message, 'structured_outputs');
}

function judgeVocabulary(promptTokenIds: readonly number[], stopTokenIds: readonly number[]): Refusal | null {
  const unknown = promptTokenIds.find((tokenId) => tokenId >= VOCABULARY_SIZE);
  if (unknown !== undefined) return late(`Token id ${unknown} is out of vocabulary`);
  const stops = stopTokenIds.filter((tokenId) => tokenId >= VOCABULARY_SIZE).join(', ');
  if (stops === '') return null;
  const message = `token_id(s) [${stops}] in stop_token_ids contain out-of-vocab token ids. Vocabulary size: ${VOCABULARY_SIZE}`;
  return late(`${message} (parameter=stop_token_ids, value=[${stops}])`, 'stop_token_ids');
}

/** The JSON object in `text`, or null when it is none. */
export function parseObject(text: string): JsonObject | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

const asObject = (value: unknown): JsonObject | null => (isObject(value) ? value : null);
