import type { Clock } from '../domain/clock.ts';
import { resolveModelId } from '../domain/model.ts';
import type { RemoteEndpoint, TokenRoute } from '../domain/replica.ts';
import { type Answer, type Ask, asking, LateError, problemOf, readPath } from '../engine/ask.ts';
import type { ProbeResult, ReplicaFacts } from '../engine/engine-state.ts';
import type { EngineFailure } from '../engine/failures.ts';
import {
  askLoad,
  generateRequest,
  HEALTH_TIMEOUT_MS,
  type Probes,
  readVersion,
  TOKEN_TIMEOUT_MS,
} from '../engine/health.ts';
import {
  foreignModel,
  keyRefused,
  noContextLength,
  noTokenEndpoint,
  redirects,
  UNREACHABLE,
  unreachable,
  untrusted,
} from './failures.ts';

/** Whom to ask, and whose time it takes. */
interface RemoteTarget {
  readonly endpoint: RemoteEndpoint;
  readonly clock: Clock;
}

/** What a server answers that does not know a route, or does not open it. */
const NO_ROUTE: readonly number[] = [403, 404, 405];
const KEY_REFUSED: readonly number[] = [401, 407];

/** How an engine elsewhere is asked; see the README. */
export function remoteProbes(target: RemoteTarget): Probes {
  return {
    health: async (signal) => {
      try {
        return await asking(target, signal, async (ask) => judgeHealth(await ask('/health', HEALTH_TIMEOUT_MS)));
      } catch (error) {
        return lookOf(error);
      }
    },
    token: async (signal, timeoutMs = TOKEN_TIMEOUT_MS) => {
      try {
        return await asking(target, signal, (ask) => meet(ask, target.endpoint, timeoutMs));
      } catch (error) {
        return unusable(failureOf(error));
      }
    },
    load: (signal) => askLoad((work) => asking(target, signal, work)),
  };
}

/**
 * A server that has no `/health`, or guards it, is judged by its tokens alone. One that says 5xx may stand behind a proxy
 * that is just being changed, so that it counts as a late answer: several in a row, while nothing moves.
 */
function judgeHealth(answer: Answer): ProbeResult {
  const { status } = answer;
  if (status === 200 || (status >= 400 && status < 500 && status !== 429)) return { kind: 'healthy' };
  if (status >= 300 && status < 400) return { kind: 'down', reason: redirects(status).message };
  return { kind: 'slow', reason: `/health says ${problemOf(answer)}` };
}

/** The model that it serves, one real token, its version: `token` with these facts, or why it cannot take requests. */
async function meet(ask: Ask, endpoint: RemoteEndpoint, timeoutMs: number): Promise<ProbeResult> {
  const models = await ask('/v1/models', HEALTH_TIMEOUT_MS);
  const refusal = generalRefusal(models, endpoint);
  if (refusal) return unusable(refusal);
  const served = readModel(models);
  if ('failure' in served) return unusable(served.failure);
  const route = await findRoute(ask, served.servedName, timeoutMs);
  if (typeof route !== 'string') return unusable(generalRefusal(route.answer, endpoint) ?? route.failure);
  const engineVersion = readVersion(await ask('/version', HEALTH_TIMEOUT_MS));
  return { kind: 'token', facts: { ...served, tokenRoute: route, engineVersion } };
}

const unusable = (failure: EngineFailure): ProbeResult => ({
  kind: 'unusable',
  failure,
  isPassing: failure.code === UNREACHABLE,
});

/** What an answer says whatever was asked; null where it says nothing of the kind. */
function generalRefusal(
  answer: Answer,
  { authorization, forwardsAuthorization }: RemoteEndpoint,
): EngineFailure | null {
  const { status } = answer;
  if (KEY_REFUSED.includes(status)) return keyRefused(status, authorization !== null, forwardsAuthorization);
  if (status >= 300 && status < 400) return redirects(status);
  return status === 429 || status >= 500 ? unreachable(`it says ${problemOf(answer)}`) : null;
}

type Served = Pick<ReplicaFacts, 'model' | 'servedName' | 'maxModelLen'>;

/**
 * The first of its models that the catalogue has. vLLM lists all names of its one model; another Chorus lists the whole
 * catalogue, with null as the context length of what it does not serve or still loads.
 */
function readModel(answer: Answer): Served | { readonly failure: EngineFailure } {
  const list = readPath(answer.text, ['data']);
  if (answer.status !== 200 || !Array.isArray(list)) return { failure: noContextLength(problemOf(answer)) };
  const models = list.map((entry: unknown) => readEntry(entry));
  const known = models.filter(({ id }) => resolveModelId(id) !== null);
  for (const { id, maxModelLen } of known) {
    const model = resolveModelId(id);
    if (model !== null && maxModelLen !== null) return { model, servedName: id, maxModelLen };
  }
  const [first] = known;
  if (first === undefined) return { failure: foreignModel(models.map(({ id }) => id)) };
  return {
    failure: first.isLoading ? unreachable('none of its models is ready') : noContextLength(`${first.id} has none`),
  };
}

interface ModelEntry {
  readonly id: string;
  readonly maxModelLen: number | null;
  readonly isLoading: boolean;
}

function readEntry(entry: unknown): ModelEntry {
  const { id, max_model_len } = (entry ?? {}) as { readonly id?: unknown; readonly max_model_len?: unknown };
  return {
    id: typeof id === 'string' ? id : '',
    maxModelLen: Number.isSafeInteger(max_model_len) ? Number(max_model_len) : null,
    isLoading: max_model_len === null,
  };
}

/** The route that gave a token id for token ids, or the answer and what it means. */
async function findRoute(
  ask: Ask,
  servedName: string,
  timeoutMs: number,
): Promise<TokenRoute | { readonly answer: Answer; readonly failure: EngineFailure }> {
  const generate = await ask(...generateRequest('generate', servedName, timeoutMs));
  if (hasTokenIds(generate)) return 'generate';
  if (generate.status !== 200 && !NO_ROUTE.includes(generate.status)) {
    return { answer: generate, failure: unreachable(`the first token failed: ${problemOf(generate)}`) };
  }
  const completions = await ask(...generateRequest('completions', servedName, timeoutMs));
  if (hasTokenIds(completions)) return 'completions';
  const said = `/inference/v1/generate says ${generate.status}, /v1/completions ${completions.status} without token ids`;
  return { answer: completions, failure: noTokenEndpoint(said) };
}

function hasTokenIds({ status, text }: Answer): boolean {
  const ids = status === 200 ? readPath(text, ['choices', 0, 'token_ids']) : undefined;
  return Array.isArray(ids) && ids.length > 0;
}

/** Names that are not there, ports where nobody listens, and strangers: there is nothing to wait for. */
const PLAIN_REFUSALS: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'];
/** OpenSSL's codes for certificates, and Node's for a name that is not in one. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH/;

function lookOf(error: unknown): ProbeResult {
  const isPlain = PLAIN_REFUSALS.includes(codeOf(error));
  const { message } = failureOf(error);
  return { kind: isPlain || isUntrusted(error) ? 'down' : 'slow', reason: message };
}

function failureOf(error: unknown): EngineFailure {
  if (error instanceof LateError) return unreachable(error.message);
  if (isUntrusted(error)) return untrusted(reasonOf(error));
  return unreachable(`it cannot be reached: ${reasonOf(error)}`);
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
const isUntrusted = (error: unknown): boolean => CERTIFICATE.test(codeOf(error));

/** Where several addresses were tried the error is made of theirs, and has no words of its own. */
function reasonOf(error: unknown): string {
  const { message, errors } = error as AggregateError;
  return message || (errors ?? []).map((one: unknown) => (one as Error).message).join(', ') || codeOf(error);
}
