import { CodedError } from '../domain/errors.ts';
import { isObject } from '../domain/json.ts';
import { createDecoder } from '../harmony/decode.ts';
import { STOP_TOKEN_IDS, VOCABULARY_SIZE } from '../harmony/tokens.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { Completion, CreateCompletionBody } from '../protocol/completions.ts';
import type { EngineExtras } from '../protocol/generate.ts';
import { newDashedId } from '../responses/ids.ts';
import { servedModel, type PrepareOptions } from '../responses/request.ts';
import type { AskedTurn } from '../turn/answer-turn.ts';
import type { PromptSource } from '../turn/encode-prompt.ts';
import { readSampling, readStop } from '../turn/read-sampling.ts';
import { CompletionWriter } from './completion-writer.ts';
import { withWording, type Wording } from './reword.ts';

/** OpenAI's. */
const DEFAULT_MAX_TOKENS = 16;

const WORDING: Wording = { param: (param) => (param === 'input' ? 'prompt' : param), names: [] };

/** What every completion has. */
export interface CompletionPlace {
  readonly vocabulary: Vocabulary;
  readonly fingerprint: string;
}

/** Checks a well-typed body and says what to ask. Throws a `CodedError` that names the field. */
export function prepareCompletion(
  body: CreateCompletionBody,
  options: Omit<PrepareOptions, 'recalled' | 'retentionMs'>,
  place: CompletionPlace,
): AskedTurn<Completion> {
  const { caller, nowMs } = options;
  const model = withWording(WORDING, () => servedModel(body.model, options));
  refuseUnsupported(body);
  const prompt = readPrompt(body.prompt);
  const id = newDashedId('cmpl', nowMs);
  return {
    api: 'completions',
    caller,
    turn: {
      requestId: id,
      cacheSalt: caller.project,
      authorization: caller.authorization ?? null,
      model,
      prompt,
      maxOutputTokens: body.max_tokens ?? DEFAULT_MAX_TOKENS,
      sampling: readSampling(body, {
        temperature: body.temperature ?? options.defaultTemperature,
        topLogprobs: body.logprobs ?? null,
        stopTokenIds: body.ignore_eos === true ? [] : STOP_TOKEN_IDS,
        extras: readExtras(body),
      }),
      stop: readStop(body),
      rule: null,
    },
    openWriter: (write, onFirstOutput) => {
      const style = {
        head: { id, created: Math.floor(nowMs / 1000), model, system_fingerprint: place.fingerprint },
        wording: WORDING,
        echo: body.echo === true ? promptText(prompt, place.vocabulary) : '',
        spellLogprob: body.logprobs === undefined ? null : options.spellLogprob,
        hasTokenIds: body.return_token_ids === true,
        includesUsage: body.stream_options?.include_usage === true,
      };
      return new CompletionWriter(style, write, onFirstOutput);
    },
  };
}

function readExtras({ ignore_eos: ignoresEos, min_tokens: minTokens }: CreateCompletionBody): EngineExtras | null {
  if (ignoresEos !== true && !minTokens) return null;
  return { ...(ignoresEos === true ? { ignore_eos: true } : {}), ...(minTokens ? { min_tokens: minTokens } : {}) };
}

/** The prompt of a body: a text, ids, or a list of one of either. */
function readPrompt(prompt: CreateCompletionBody['prompt']): PromptSource {
  if (typeof prompt === 'string') return textPrompt(prompt);
  const [first] = prompt;
  const isList = typeof first === 'string' || Array.isArray(first);
  if (isList && prompt.length > 1) {
    const message = `prompt is a list of ${prompt.length} prompts; one request completes one. Send each by itself.`;
    throw new CodedError('unsupported_parameter', message, { param: 'prompt' });
  }
  if (typeof first === 'string') return textPrompt(first);
  return { kind: 'tokens', tokenIds: Array.isArray(first) ? readIds(first, 'prompt[0]') : readIds(prompt, 'prompt') };
}

function textPrompt(text: string): PromptSource {
  if (text === '') throw emptyPrompt();
  return { kind: 'text', text };
}

function readIds(ids: readonly unknown[], path: string): readonly number[] {
  if (ids.length === 0) throw emptyPrompt();
  const wrong = ids.findIndex((id) => !Number.isInteger(id) || Number(id) < 0 || Number(id) >= VOCABULARY_SIZE);
  if (wrong === -1) return ids as readonly number[];
  const param = `${path}[${wrong}]`;
  throw new CodedError('invalid_value', `${param} must be a token id from 0 to ${VOCABULARY_SIZE - 1}.`, { param });
}

const emptyPrompt = (): CodedError =>
  new CodedError('invalid_value', 'prompt is empty. Send at least one token.', { param: 'prompt' });

function promptText(prompt: PromptSource, vocabulary: Vocabulary): string {
  switch (prompt.kind) {
    case 'text':
      return prompt.text;
    case 'tokens':
      return createDecoder(vocabulary).push(prompt.tokenIds);
    case 'messages':
      return '';
  }
}

const ONE_ANSWER = 'One request gives one answer here. Send the request several times instead.';
const USE_CHAT = 'Raw text is held to no format here. Use POST /v1/chat/completions, or /inference/v1/generate.';

function refuseUnsupported(body: CreateCompletionBody): void {
  const { n = 1, best_of: best = 1, echo, logprobs, response_format: format } = body;
  const problems: readonly (readonly [param: string, isWrong: boolean, message: string])[] = [
    ['n', n > 1, ONE_ANSWER],
    ['best_of', best > 1, ONE_ANSWER],
    ['suffix', (body.suffix ?? '') !== '', 'gpt-oss cannot fill a gap. Leave suffix out.'],
    [
      'echo',
      echo === true && logprobs !== undefined,
      'Log probabilities of the prompt are not told. Send echo or logprobs.',
    ],
    [
      'skip_special_tokens',
      body.skip_special_tokens === false,
      'Control tokens have no text. return_token_ids tells their ids.',
    ],
    ['response_format', format !== undefined && !(isObject(format) && format['type'] === 'text'), USE_CHAT],
    ['structured_outputs', body.structured_outputs !== undefined, USE_CHAT],
  ];
  const problem = problems.find(([, isWrong]) => isWrong);
  if (problem === undefined) return;
  const [param, , message] = problem;
  throw new CodedError('unsupported_parameter', message, { param });
}
