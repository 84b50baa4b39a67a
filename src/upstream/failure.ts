import { isObject, type JsonObject } from '../domain/json.ts';
import type { UpstreamFailure } from './token-stream.ts';

/**
 * What an error answer means, from its status (of the response, or the `code` of an error frame in a stream that
 * began with 200: vLLM reports there whatever it notices only after the headers, a prompt that is too long included).
 */
export function failureFromStatus(status: number, message: string): UpstreamFailure {
  return { reason: reasonFromStatus(status), message, status };
}

/** What is wrong with a request: any other 4xx is about route, key or engine, and another replica may well answer. */
const REJECTIONS: readonly number[] = [400, 413, 422];
const FULL: readonly number[] = [429, 503];
/** Of an error body that is no JSON, such as a proxy's page. */
const MAX_TEXT_LENGTH = 500;

function reasonFromStatus(status: number): UpstreamFailure['reason'] {
  if (REJECTIONS.includes(status)) return 'rejected';
  return FULL.includes(status) ? 'busy' : 'engine_error';
}

/**
 * The failure that an `error` stands for: vLLM's object, OpenAI's (another Chorus's), or a text, as a proxy before an
 * engine may have it. Where neither a `code` nor a `type` tells what it means, it counts as `status`.
 */
export function failureFromError(error: unknown, status: number): UpstreamFailure {
  const code = (isObject(error) ? statusOf(error) : null) ?? status;
  return failureFromStatus(code, messageOf(error) || `the engine answered ${code} without a reason`);
}

/**
 * The failure that a whole error response stands for: vLLM's `{"error":{…}}`, FastAPI's `{"detail":…}`, or any text. Where
 * a frame would be an `engine_error` it is `unavailable`: no stream has begun, so nothing has run.
 */
export function failureFromResponse(status: number, body: string): UpstreamFailure {
  if (status >= 300 && status < 400) return redirect(status);
  const parsed = parseErrorBody(body);
  const message = parsed?.['error'] ? messageOf(parsed['error']) : textOf(parsed, body);
  const failure = failureFromStatus(status, message || `the engine answered ${status} without a reason`);
  return failure.reason === 'engine_error' ? { ...failure, reason: 'unavailable' } : failure;
}

/** A prompt is sent to the address that was given, and to no other. */
function redirect(status: number): UpstreamFailure {
  const message = `the engine redirects (${status}) instead of answering: its url must be the address that it leads to`;
  return { reason: 'unavailable', message, status };
}

/** vLLM's `code` is a status. OpenAI's is a word or null, and its few types tell whose fault it is. */
function statusOf({ code, type }: JsonObject): number | null {
  if (typeof code === 'number') return code;
  if (type === 'invalid_request_error') return 400;
  if (type === 'rate_limit_error') return 429;
  if (type === 'server_error') return code === 'server_is_overloaded' ? 503 : 500;
  return null;
}

function messageOf(error: unknown): string {
  const message = isObject(error) ? error['message'] : error;
  return typeof message === 'string' ? message : '';
}

function textOf(parsed: JsonObject | null, body: string): string {
  return typeof parsed?.['detail'] === 'string' ? parsed['detail'] : body.trim().slice(0, MAX_TEXT_LENGTH);
}

function parseErrorBody(body: string): JsonObject | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

const CONTEXT_OVERFLOW =
  /maximum (?:context|model) length|tokens? of the context window of|the context window of \S+ here has|cannot be greater than max_model_len|max_tokens must be at least 1, got 0/;

/**
 * Whether the engine refused because prompt and output do not fit its context (texts of vLLM 0.32, both routes, and
 * of another Chorus). With
 * `max_tokens` above 0 in the request, "got 0" says that the prompt alone fills the context.
 */
export function isContextOverflow(failure: UpstreamFailure): boolean {
  return failure.reason === 'rejected' && CONTEXT_OVERFLOW.test(failure.message);
}
