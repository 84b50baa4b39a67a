import { Client, type Dispatcher } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { ModelId } from '../domain/model.ts';
import type { TokenRoute } from '../domain/replica.ts';
import type { ProbeResult } from './engine-state.ts';
import { type EngineLoad, readLoad } from './work-watch.ts';

/** Where to ask, and whose time it takes. */
export interface ProbeTarget {
  readonly socketPath: string;
  readonly model: ModelId;
  readonly clock: Clock;
}

/** `/health` reads a flag; an answer that takes longer means a process that does not get to run. */
const HEALTH_TIMEOUT_MS = 5000;
/** The first generation may compile kernels. */
const TOKEN_TIMEOUT_MS = 60_000;
const METRICS_TIMEOUT_MS = 2000;
/** Harmony's `<|start|>`: a prompt that every gpt-oss knows how to continue. */
const PROBE_PROMPT = [200006];
const MAX_ERROR_CHARACTERS = 200;
/** Ten times vLLM's metrics, which are the longest that it is asked for: what goes on beyond is no answer. */
export const MAX_PAGE_BYTES = 1_000_000;

/** A full queue of connections (connect(2)), which is how a busy server looks from outside, and limits of Chorus's own. */
const NOT_ASKED: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/**
 * One `GET /health`: `healthy`, `slow`, `dead` or `down`, never a throw. An abort of `signal` ends it as `slow`. A 200 says
 * only that the engine process has not died: a frozen one answers it too.
 */
export function probeHealth(target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  return probing(target, signal, async (ask) => {
    const failure = await checkHealth(ask);
    return failure ?? { kind: 'healthy' };
  });
}

/**
 * `GET /health`, then one real token, then what the engine says of itself: `token` with these facts, `no_token` when
 * only the generation failed. A 403 or 404 of `/inference/v1/generate` (no `--enable-scale-out`, or an older vLLM) means
 * the completions route. `timeoutMs` is for the token.
 */
export function probeToken(
  target: ProbeTarget,
  signal: AbortSignal,
  timeoutMs: number = TOKEN_TIMEOUT_MS,
): Promise<ProbeResult> {
  return probing(target, signal, async (ask) => {
    const failure = await checkHealth(ask);
    if (failure) return failure;
    const generate = (route: TokenRoute): Promise<Answer> => ask(...generateRequest(route, target.model, timeoutMs));
    const first = await generate('generate');
    const tokenRoute = first.status === 403 || first.status === 404 ? 'completions' : 'generate';
    const answer = tokenRoute === 'generate' ? first : await generate('completions');
    if (answer.status !== 200) return { kind: 'no_token', reason: `the first token failed: ${problemOf(answer)}` };
    const maxModelLen = readMaxModelLen(await ask('/v1/models', HEALTH_TIMEOUT_MS));
    if (maxModelLen === null) return { kind: 'no_token', reason: '/v1/models does not tell the context length' };
    const engineVersion = readVersion(await ask('/version', HEALTH_TIMEOUT_MS));
    return { kind: 'token', facts: { tokenRoute, maxModelLen, engineVersion } };
  });
}

/** What the engine's `/metrics` say of its work; null when they do not come within two seconds or do not tell. */
export async function askLoad(target: ProbeTarget, signal: AbortSignal): Promise<EngineLoad | null> {
  try {
    return await asking(target, signal, async (ask) => readLoad((await ask('/metrics', METRICS_TIMEOUT_MS)).text));
  } catch {
    return null; // it is asked again soon, and health tells what is wrong
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

type Ask = (path: string, timeoutMs: number, body?: unknown) => Promise<Answer>;

async function asking<T>(
  { socketPath, clock }: ProbeTarget,
  signal: AbortSignal,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const limits = { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_PAGE_BYTES };
  const client = new Client('http://localhost', { socketPath, ...limits });
  try {
    return await work((path, timeoutMs, body) =>
      withDeadline(clock, timeoutMs, signal, (deadline) => exchange(client, { path, body, signal: deadline })),
    );
  } finally {
    await client.destroy();
  }
}

async function probing(...args: Parameters<typeof asking<ProbeResult>>): Promise<ProbeResult> {
  try {
    return await asking(...args);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const isLate = error instanceof LateError || NOT_ASKED.has(code);
    return { kind: isLate ? 'slow' : 'down', reason: isLate ? message : `it does not answer: ${message}` };
  }
}

async function checkHealth(ask: Ask): Promise<ProbeResult | null> {
  const answer = await ask('/health', HEALTH_TIMEOUT_MS);
  if (answer.status === 200) return null;
  return { kind: answer.status === 503 ? 'dead' : 'down', reason: `/health says ${problemOf(answer)}` };
}

/** One token, on either route. */
function generateRequest(route: TokenRoute, model: ModelId, timeoutMs: number): Parameters<Ask> {
  const sampling = { max_tokens: 1, temperature: 0 };
  if (route === 'completions') {
    const body = { model, prompt: PROBE_PROMPT, ...sampling, return_token_ids: true };
    return ['/v1/completions', timeoutMs, body];
  }
  const body = { model, token_ids: PROBE_PROMPT, sampling_params: { ...sampling, detokenize: false } };
  return ['/inference/v1/generate', timeoutMs, body];
}

interface Exchange {
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

async function exchange(client: Dispatcher, { path, body, signal }: Exchange): Promise<Answer> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const method = body === undefined ? 'GET' : 'POST';
  const response = await client.request({ path, method, signal, ...content });
  return { status: response.statusCode, text: await response.body.text() };
}

/** The answer did not come in time, or nobody waits for it any more. */
class LateError extends Error {}

async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const late = (): void => deadline.abort(new LateError(`it did not answer within ${timeoutMs / 1000} s`));
  const cancel = clock.schedule(timeoutMs, late);
  signal.addEventListener('abort', late, { once: true });
  if (signal.aborted) late();
  try {
    return await work(deadline.signal);
  } finally {
    cancel();
    signal.removeEventListener('abort', late);
  }
}

function problemOf({ status, text }: Answer): string {
  const message = readPath(text, ['error', 'message']);
  return `${status} ${typeof message === 'string' ? message : text}`.slice(0, MAX_ERROR_CHARACTERS).trim();
}

function readMaxModelLen({ text }: Answer): number | null {
  const value = readPath(text, ['data', 0, 'max_model_len']);
  return typeof value === 'number' ? value : null;
}

function readVersion({ text }: Answer): string {
  const value = readPath(text, ['version']);
  return typeof value === 'string' ? value : 'unknown';
}

/** The value at a path of a JSON text; undefined for anything unexpected. */
function readPath(text: string, path: readonly (string | number)[]): unknown {
  try {
    let value: unknown = JSON.parse(text);
    for (const key of path) value = (value as Record<string | number, unknown>)[key];
    return value;
  } catch {
    return undefined;
  }
}
