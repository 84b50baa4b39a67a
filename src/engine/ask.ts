import { Client, type Dispatcher } from 'undici';
import type { Clock } from '../domain/clock.ts';
import { type Endpoint, isRemote } from '../domain/replica.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One question: a GET, or a POST where there is a body, which goes as JSON. Rejects with a `LateError` when nothing came in time. */
export type Ask = (path: string, timeoutMs: number, body?: unknown) => Promise<Answer>;

/** Whom to ask, and whose time it takes. */
export interface AskTarget {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
}

/** An answer did not come in time, or nobody waits for it any more. */
export class LateError extends Error {}

const MAX_ERROR_CHARACTERS = 200;
/** Ten times vLLM's metrics, which are the longest that it is asked for: what goes on beyond is no answer. */
export const MAX_PAGE_BYTES = 1_000_000;

/** A client for questions to an engine, apart from generation, with what every question to it carries. */
export function clientTo(endpoint: Endpoint, options: Client.Options): EngineClient {
  if (!isRemote(endpoint)) {
    const { socketPath } = endpoint;
    return { client: new Client('http://localhost', { ...options, socketPath }), basePath: '', headers: {} };
  }
  const { isSecure, authority, basePath, authorization } = endpoint;
  const client = new Client(`${isSecure ? 'https' : 'http'}://${authority}`, options);
  return { client, basePath, headers: authorization === null ? {} : { authorization: authorization.reveal() } };
}

interface EngineClient {
  readonly client: Client;
  /** Goes before every path. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Lets `work` ask an engine; an abort of `signal` ends its question as a late one. Rejects as `work` does. */
export async function asking<T>(
  { endpoint, clock }: AskTarget,
  signal: AbortSignal,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const engine = clientTo(endpoint, { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_PAGE_BYTES });
  try {
    return await work((path, timeoutMs, body) =>
      withDeadline(clock, timeoutMs, signal, (deadline) => exchange(engine, { path, body, signal: deadline })),
    );
  } finally {
    await engine.client.destroy();
  }
}

interface Exchange {
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

async function exchange(
  { client, basePath, headers }: EngineClient,
  { path, body, signal }: Exchange,
): Promise<Answer> {
  const question: Omit<Dispatcher.RequestOptions, 'method'> = { path: `${basePath}${path}`, headers, signal };
  const json = { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } };
  const response = await client.request(
    body === undefined ? { ...question, method: 'GET' } : { ...question, ...json, method: 'POST' },
  );
  return { status: response.statusCode, text: await response.body.text() };
}

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

/** An error answer in a few words: its status, and what it says. */
export function problemOf({ status, text }: Answer): string {
  const message = readPath(text, ['error', 'message']);
  return `${status} ${typeof message === 'string' ? message : text}`.slice(0, MAX_ERROR_CHARACTERS).trim();
}

/** The value at a path of a JSON text; undefined for anything unexpected. */
export function readPath(text: string, path: readonly (string | number)[]): unknown {
  try {
    let value: unknown = JSON.parse(text);
    for (const key of path) value = (value as Record<string | number, unknown>)[key];
    return value;
  } catch {
    return undefined;
  }
}
