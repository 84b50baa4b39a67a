import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { request } from 'undici';
import type { UsageObject } from '../../src/ledger/usage-objects.ts';
import { readServerRecord } from '../../src/system/state-directory.ts';
import type { RunningChorus } from './chorus-process.ts';
import { eventually } from './eventually.ts';

/** What a client knows of a request that was answered. */
export interface Answered {
  readonly id: string;
  readonly project: string;
  readonly keyId: string;
  readonly api: string;
  readonly isStream: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A key as `chorus keys create --json` prints it. */
export interface MadeKey {
  readonly id: string;
  readonly project: string;
  readonly key: string;
}

const READY_TIMEOUT_MS = 60_000;
const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));

/** What clients ask, each its own kind. */
interface Kind {
  readonly api: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const MESSAGES = [{ role: 'user', content: 'Say OK.' }];
const WITH_USAGE = { stream: true, stream_options: { include_usage: true } };
const TOKENS = { token_ids: [200_006, 1428, 200_008, 25_216, 200_007], sampling_params: { max_tokens: 8 } };
const KINDS: readonly Kind[] = [
  { api: 'responses', path: '/v1/responses', body: { input: 'Say OK.' } },
  { api: 'responses', path: '/v1/responses', body: { input: 'Say OK.', stream: true } },
  { api: 'responses', path: '/v1/responses', body: { input: 'Say OK.', store: false } },
  {
    api: 'responses',
    path: '/v1/responses',
    body: { input: 'Tell.', store: false, stream: true, max_output_tokens: 16 },
  },
  { api: 'chat', path: '/v1/chat/completions', body: { messages: MESSAGES } },
  { api: 'chat', path: '/v1/chat/completions', body: { messages: MESSAGES, ...WITH_USAGE } },
  { api: 'completions', path: '/v1/completions', body: { prompt: 'Once', max_tokens: 8 } },
  { api: 'generate', path: '/inference/v1/generate', body: TOKENS },
];

/** As many clients as there are kinds of requests, each with one request at a time. */
export const CLIENTS = KINDS.length;

/**
 * Puts load on Chorus, of one client a kind, until `atLeast` requests were answered and some more time has passed, then
 * kills it (SIGKILL). The clients share the keys.
 */
export async function loadUntilKilled(
  chorus: RunningChorus,
  keys: readonly MadeKey[],
  { seed, atLeast }: { readonly seed: number; readonly atLeast: number },
): Promise<Answered[]> {
  await untilReady(chorus);
  const answered: Answered[] = [];
  const killed = new AbortController();
  const client = async (kind: Kind, number: number): Promise<void> => {
    const key = keys[number % keys.length] as MadeKey;
    while (!killed.signal.aborted) {
      // A client whose connection broke was told nothing.
      const answer = await ask(chorus.url, key, kind).catch((error: unknown) => {
        if (!killed.signal.aborted) throw error;
      });
      if (answer) answered.push(answer);
      // These make no row.
      await ask(chorus.url, key, { ...kind, body: { ...kind.body, model: 'gpt-4' } }).catch(() => {});
      await ask(chorus.url, { ...key, key: 'wrong' }, kind).catch(() => {});
    }
  };
  const clients = Promise.all(KINDS.map(client));
  while (answered.length < atLeast) await Promise.race([sleep(5), clients]);
  await sleep((seed * 37) % 100);
  killed.abort();
  process.kill(readServerRecord(chorus.stateDir)?.pid ?? 0, 'SIGKILL');
  await once(chorus.process, 'exit');
  await clients;
  return answered;
}

export const untilReady = (chorus: RunningChorus): Promise<true> =>
  eventually('a replica', READY_TIMEOUT_MS, async () => {
    const { statusCode, body } = await request(`${chorus.url}/readyz`);
    await body.dump();
    return statusCode === 200 ? true : null;
  });

export const askFirstKind = (chorus: RunningChorus, key: MadeKey): Promise<Answered> =>
  ask(chorus.url, key, KINDS[0] as Kind);

interface Usage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
}

/** An answer, or the event of a stream that tells of its end. */
interface Told {
  readonly id?: string;
  readonly request_id?: string;
  readonly usage?: Usage | null;
  readonly response?: Told;
}

async function ask(url: string, { id: keyId, project, key }: MadeKey, { api, path, body }: Kind): Promise<Answered> {
  const answer = await request(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'gpt-oss-20b', ...body }),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`);
  const isStream = body['stream'] === true;
  const told = isStream ? lastWord(text) : (JSON.parse(text) as Told);
  const { usage } = told;
  const [inputTokens, outputTokens] = [
    usage?.input_tokens ?? usage?.prompt_tokens,
    usage?.output_tokens ?? usage?.completion_tokens,
  ];
  const id = told.id ?? told.request_id;
  if (id === undefined || inputTokens === undefined || outputTokens === undefined) {
    throw new Error(`no id or no usage in:\n${text}`);
  }
  return { id, project, keyId, api, isStream, inputTokens, outputTokens };
}

/** What a stream says of its usage; throws where it did not come to its end. */
function lastWord(text: string): Told {
  if (!text.endsWith('data: [DONE]\n\n')) throw new Error('the stream did not come to its end');
  const events = text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice('data: '.length)) as Told)
    .map((event) => event.response ?? event);
  return events.findLast(({ usage }) => usage) ?? {};
}

async function chorus(...words: readonly string[]): Promise<string> {
  const { stdout } = await execa(process.execPath, [CHORUS, ...words]);
  return stdout;
}

/** Makes a key in a state directory, with or without a server. */
export const makeKey = async (stateDir: string, name: string, project: string): Promise<MadeKey> =>
  JSON.parse(await chorus('keys', 'create', name, '--project', project, '--json', '--state-dir', stateDir)) as MadeKey;

/** What `chorus usage` prints, as lines. */
export const chorusUsage = async (stateDir: string, ...flags: readonly string[]): Promise<string[]> =>
  (await chorus('usage', '--state-dir', stateDir, ...flags)).split('\n').filter((line) => line !== '');

export const usageRows = async (stateDir: string): Promise<UsageObject[]> =>
  (await chorusUsage(stateDir, '--rows', '--json')).map((line) => JSON.parse(line) as UsageObject);
