import { isObject, type JsonObject } from '../domain/json.ts';
import type { EngineChunk } from '../protocol/generate.ts';

const PROMPT_ECHO = '"prompt_token_ids":[';
/** Frames of one token are about 260 bytes; only an echoed prompt makes one much longer. */
const LONG_FRAME = 4096;

/**
 * One frame's JSON, or null when it is none, or holds something else where this program reads. `/v1/completions`
 * repeats the whole prompt in its first frame (0.7 MB for 100,000 tokens) and has no switch against it: that array is
 * cut out before parsing, which costs a thirtieth. Within a JSON string the quotes would be escaped, so the pattern
 * matches only the key itself.
 */
export function parseEngineChunk(data: string): EngineChunk | null {
  try {
    const chunk: unknown = JSON.parse(data.length > LONG_FRAME ? withoutPromptEcho(data) : data);
    return isEngineChunk(chunk) ? chunk : null;
  } catch {
    return null;
  }
}

function withoutPromptEcho(data: string): string {
  const start = data.indexOf(PROMPT_ECHO);
  const end = data.indexOf(']', start);
  return start === -1 || end === -1 ? data : data.slice(0, start + PROMPT_ECHO.length) + data.slice(end);
}

type Check = (value: unknown) => boolean;

const isAbsentOr = (check: Check, value: unknown): boolean => value === undefined || value === null || check(value);
const isListOf = (check: Check, value: unknown): boolean => Array.isArray(value) && value.every(check);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

/** A remote engine, or a proxy before one, may send anything; what is read of a frame is what it is taken for. */
function isEngineChunk(chunk: unknown): chunk is EngineChunk {
  if (!isObject(chunk)) return false;
  if (chunk['error']) return true;
  return isAbsentOr((list) => isListOf(isChoice, list), chunk['choices']) && isAbsentOr(isUsage, chunk['usage']);
}

const isChoice = (choice: unknown): boolean =>
  isObject(choice) &&
  isAbsentOr((list) => isListOf(isCount, list), choice['token_ids']) &&
  isAbsentOr(isLogprobs, choice['logprobs']);

const isLogprobs = (logprobs: unknown): boolean =>
  isObject(logprobs) && isAbsentOr((list) => isListOf(isLogprob, list), logprobs['content']);

const isLogprob = (entry: unknown): boolean =>
  hasTokenId(entry) && isAbsentOr((list) => isListOf(hasTokenId, list), entry['top_logprobs']);

const hasTokenId = (entry: unknown): entry is JsonObject => isObject(entry) && isCount(entry['token_id']);

const isUsage = (usage: unknown): boolean =>
  isObject(usage) &&
  isCount(usage['prompt_tokens']) &&
  isCount(usage['completion_tokens']) &&
  isAbsentOr(isObject, usage['prompt_tokens_details']) &&
  isAbsentOr(isCount, (usage['prompt_tokens_details'] as JsonObject | null | undefined)?.['cached_tokens']);
