import type { Clock } from '../domain/clock.ts';
import type { ModelId } from '../domain/model.ts';
import type { TokenRoute } from '../domain/replica.ts';
import { type Answer, type Ask, asking, LateError, problemOf, readPath } from './ask.ts';
import type { ProbeResult } from './engine-state.ts';
import { type EngineLoad, readLoad } from './work-watch.ts';

/** Where to ask an engine of this machine, and whose time it takes. */
export interface ProbeTarget {
  readonly socketPath: string;
  readonly model: ModelId;
  readonly clock: Clock;
}

/** The questions to one engine; none rejects. An abort of the signal ends them, with an answer that means nothing. */
export interface Probes {
  health(signal: AbortSignal): Promise<ProbeResult>;
  /** `timeoutMs`: for the token. */
  token(signal: AbortSignal, timeoutMs?: number): Promise<ProbeResult>;
  load(signal: AbortSignal): Promise<EngineLoad | null>;
}

/** `/health` reads a flag; an answer that takes longer means a process that does not get to run. */
export const HEALTH_TIMEOUT_MS = 5000;
/** The first generation may compile kernels. */
export const TOKEN_TIMEOUT_MS = 60_000;
const METRICS_TIMEOUT_MS = 2000;
/** Harmony's `<|start|>`: a prompt that every gpt-oss knows how to continue. */
const PROBE_PROMPT = [200006];

/** How an engine of this machine is asked. */
export function localProbes(target: ProbeTarget): Probes {
  return {
    health: (signal) => probeHealth(target, signal),
    token: (signal, timeoutMs) => probeToken(target, signal, timeoutMs),
    load: (signal) => askLoad((work) => asking(askTarget(target), signal, work)),
  };
}

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
  const { model } = target;
  return probing(target, signal, async (ask) => {
    const failure = await checkHealth(ask);
    if (failure) return failure;
    const generate = (route: TokenRoute): Promise<Answer> => ask(...generateRequest(route, model, timeoutMs));
    const first = await generate('generate');
    const tokenRoute = first.status === 403 || first.status === 404 ? 'completions' : 'generate';
    const answer = tokenRoute === 'generate' ? first : await generate('completions');
    if (answer.status !== 200) return { kind: 'no_token', reason: `the first token failed: ${problemOf(answer)}` };
    const maxModelLen = readPath((await ask('/v1/models', HEALTH_TIMEOUT_MS)).text, ['data', 0, 'max_model_len']);
    if (typeof maxModelLen !== 'number') {
      return { kind: 'no_token', reason: '/v1/models does not tell the context length' };
    }
    const engineVersion = readVersion(await ask('/version', HEALTH_TIMEOUT_MS));
    return { kind: 'token', facts: { model, servedName: model, tokenRoute, maxModelLen, engineVersion } };
  });
}

/** What the engine's `/metrics` say of its work; null when they do not come within two seconds or do not tell. */
export async function askLoad(
  asks: (work: (ask: Ask) => Promise<EngineLoad | null>) => Promise<EngineLoad | null>,
): Promise<EngineLoad | null> {
  try {
    return await asks(async (ask) => readLoad((await ask('/metrics', METRICS_TIMEOUT_MS)).text));
  } catch {
    return null; // it is asked again soon, and health tells what is wrong
  }
}

const askTarget = ({ socketPath, clock }: ProbeTarget): Parameters<typeof asking>[0] => ({
  endpoint: { socketPath },
  clock,
});

async function probing(
  target: ProbeTarget,
  signal: AbortSignal,
  work: (ask: Ask) => Promise<ProbeResult>,
): Promise<ProbeResult> {
  try {
    return await asking(askTarget(target), signal, work);
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

/** One token, on either route. `model` is the name that the engine knows. */
export function generateRequest(route: TokenRoute, model: string, timeoutMs: number): Parameters<Ask> {
  const sampling = { max_tokens: 1, temperature: 0 };
  if (route === 'completions') {
    const body = { model, prompt: PROBE_PROMPT, ...sampling, return_token_ids: true };
    return ['/v1/completions', timeoutMs, body];
  }
  const body = { model, token_ids: PROBE_PROMPT, sampling_params: { ...sampling, detokenize: false } };
  return ['/inference/v1/generate', timeoutMs, body];
}

/** What `/version` tells; `unknown` for anything unexpected. */
export function readVersion({ text }: Answer): string {
  const value = readPath(text, ['version']);
  return typeof value === 'string' ? value : 'unknown';
}
