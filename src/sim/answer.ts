import type { TokenRoute } from '../domain/replica.ts';
import type { EngineErrorBody, EngineUsage } from '../protocol/generate.ts';
import type { Finish } from './engine.ts';
import { VOCABULARY_SIZE } from '../harmony/tokens.ts';
import type { GenerationRequest, Refusal } from './generation-request.ts';

/** What all pieces of one answer share. */
export interface AnswerFacts {
  readonly route: TokenRoute;
  /** `generate-tokens-…` or `cmpl-…`. */
  readonly id: string;
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly request: GenerationRequest;
  /** Null without `--enable-prompt-tokens-details`. */
  readonly cachedTokens: number | null;
}

export interface ChunkFacts {
  readonly tokenIds: readonly number[];
  readonly text: string;
  readonly finish: Finish | null;
  /** Whether it is the first of its stream, which echoes the prompt. */
  readonly first: boolean;
}

/** One server-sent event. */
export const frame = (data: object | string): string =>
  `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** A streamed chunk with tokens, key for key as vLLM 0.32 sends it. */
export function tokenChunk(facts: AnswerFacts, { tokenIds, text, finish, first }: ChunkFacts): object {
  const choice = { index: 0, finish_reason: finish?.reason ?? null, stop_reason: finish?.stopReason ?? null };
  if (facts.route === 'generate') {
    const nothing = { routed_experts: null, sampling_mask: null, weight_versions: null };
    const choices = [{ ...choice, token_ids: tokenIds, ...nothing, logprobs: logprobsOf(facts, tokenIds) }];
    return { request_id: facts.id, usage: null, output_mode: 'tokens', choices };
  }
  const { promptTokenIds, returnTokenIds } = facts.request;
  const ids = {
    prompt_token_ids: first && returnTokenIds ? promptTokenIds : null,
    token_ids: returnTokenIds ? tokenIds : null,
  };
  return { ...completionHead(facts), choices: [{ ...choice, text, logprobs: null, ...ids }] };
}

/** The chunk after the last token, when the request asked for usage. */
export function usageChunk(facts: AnswerFacts, generated: number): object {
  const usage = usageOf(facts, generated);
  if (facts.route === 'completions') return { ...completionHead(facts), choices: [], usage };
  return { request_id: facts.id, usage, output_mode: 'tokens', choices: [] };
}

/** The answer of a request without `stream`. */
export function wholeAnswer(facts: AnswerFacts, { tokenIds, text, finish }: ChunkFacts): object {
  const usage = usageOf(facts, tokenIds.length);
  const choice = { index: 0, finish_reason: finish?.reason ?? null, stop_reason: finish?.stopReason ?? null };
  if (facts.route === 'generate') {
    const { id, model, created } = facts;
    const choices = [{ ...choice, token_ids: tokenIds, logprobs: logprobsOf(facts, tokenIds) }];
    return { request_id: id, model, created, usage, prompt_token_ids: null, output_mode: 'tokens', choices };
  }
  const { promptTokenIds, returnTokenIds } = facts.request;
  const ids = returnTokenIds
    ? { token_ids: tokenIds, prompt_token_ids: promptTokenIds }
    : { token_ids: null, prompt_token_ids: null };
  return { ...completionHead(facts), choices: [{ ...choice, text, logprobs: null, ...ids }], usage };
}

/** The body of an error answer, and of an error frame. */
export function errorBody({ message, type, param, status }: Omit<Refusal, 'late'>): { error: EngineErrorBody } {
  return { error: { message, type, param, code: status } };
}

/** The model is sure of every token; the alternatives are any. */
function logprobsOf({ request: { topLogprobs } }: AnswerFacts, tokenIds: readonly number[]): object | null {
  if (topLogprobs === null) return null;
  const entry = (tokenId: number, rank: number): object => ({
    token_id: (tokenId + rank - 1) % VOCABULARY_SIZE,
    logprob: rank === 1 ? 0 : -20 - rank,
    rank,
  });
  const content = tokenIds.map((tokenId) => ({
    ...entry(tokenId, 1),
    top_logprobs: Array.from({ length: Math.max(1, topLogprobs) }, (_, index) => entry(tokenId, index + 1)),
  }));
  return { content };
}

const completionHead = ({ id, created, model }: AnswerFacts): object => ({
  id,
  object: 'text_completion',
  created,
  model,
});

function usageOf({ request, cachedTokens }: AnswerFacts, generated: number): EngineUsage {
  const promptTokens = request.promptTokenIds.length;
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + generated,
    completion_tokens: generated,
    ...(cachedTokens === null ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  };
}
