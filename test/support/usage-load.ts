import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { request } from 'undici';
import type { ResponseUsage } from '../../src/protocol/responses.ts';
import type { UsageObject } from '../../src/ledger/usage-objects.ts';
import { replicasReady, type RunningChorus } from './chorus-process.ts';
import { postResponse, streamResponse } from './responses-client.ts';

/** What a client knows of a request that was answered. */
export interface Answered {
  readonly id: string;
  readonly api: string;
  readonly isStream: boolean;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const READY_TIMEOUT_MS = 30_000;
const CHORUS = fileURLToPath(new URL('../../scripts/chorus.js', import.meta.url));

/** What clients ask, each its own kind. */
const ASKERS: readonly ((url: string) => Promise<Answered>)[] = [
  (url) => whole(url, {}),
  (url) => streamed(url, {}),
  (url) => whole(url, { store: false }),
  (url) => streamed(url, { store: false, max_output_tokens: 16 }),
  (url) => chat(url, false),
  (url) => chat(url, true),
];

/** As many clients as there are kinds of requests, each with one request at a time. */
export const CLIENTS = ASKERS.length;

/** Puts load on Chorus until `atLeast` requests were answered and some more time has passed, then kills it (SIGKILL). */
export async function loadUntilKilled(chorus: RunningChorus, seed: number, atLeast: number): Promise<Answered[]> {
  const { pid } = await replicasReady(chorus, 2, READY_TIMEOUT_MS);
  const answered: Answered[] = [];
  const killed = new AbortController();
  const client = async (ask: (url: string) => Promise<Answered>): Promise<void> => {
    while (!killed.signal.aborted) {
      // A client whose connection broke was told nothing.
      const answer = await ask(chorus.url).catch(() => null);
      if (answer !== null) answered.push(answer);
      await refused(chorus.url).catch(() => {});
    }
  };
  const clients = ASKERS.map(client);
  while (answered.length < atLeast) await sleep(5);
  await sleep((seed * 37) % 100);
  process.kill(pid, 'SIGKILL');
  killed.abort();
  await once(chorus.process, 'exit');
  await Promise.all(clients);
  return answered;
}

async function whole(url: string, extra: object): Promise<Answered> {
  const { body } = await postResponse(url, { input: 'Say OK.', ...extra });
  return { id: body.id, api: 'responses', isStream: false, ...tokensOf(body.usage) };
}

async function streamed(url: string, extra: object): Promise<Answered> {
  const { response } = await streamResponse(url, { input: 'Say OK.', ...extra });
  return { id: response.id, api: 'responses', isStream: true, ...tokensOf(response.usage) };
}

function tokensOf(usage: ResponseUsage | null): Pick<Answered, 'inputTokens' | 'outputTokens'> {
  return { inputTokens: usage?.input_tokens ?? -1, outputTokens: usage?.output_tokens ?? -1 };
}

interface ChatAnswer {
  readonly id: string;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

async function chat(url: string, isStream: boolean): Promise<Answered> {
  const stream = isStream ? { stream: true, stream_options: { include_usage: true } } : {};
  const { body } = await request(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer EMPTY' },
    body: JSON.stringify({ model: 'gpt-oss-20b', messages: [{ role: 'user', content: 'Say OK.' }], ...stream }),
  });
  const text = await body.text();
  const answers = isStream ? framesOf(text) : [JSON.parse(text) as ChatAnswer];
  const { id, usage } = answers.find((answer) => answer.usage) ?? { id: '', usage: null };
  if (usage === null) throw new Error(`no usage in:\n${text}`);
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = usage;
  return { id, api: 'chat', isStream, inputTokens, outputTokens };
}

function framesOf(text: string): ChatAnswer[] {
  if (!text.endsWith('data: [DONE]\n\n')) throw new Error('the stream did not come to its end');
  const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: {'));
  return frames.map((frame) => JSON.parse(frame.slice('data: '.length)) as ChatAnswer);
}

/** Makes no row. */
const refused = (url: string): Promise<unknown> => postResponse(url, { input: 'Say OK.', model: 'gpt-4' });

/** What `chorus usage` prints, as lines. */
export async function chorusUsage(stateDir: string, ...flags: readonly string[]): Promise<string[]> {
  const { stdout } = await execa(process.execPath, [CHORUS, 'usage', '--state-dir', stateDir, ...flags]);
  return stdout.split('\n').filter((line) => line !== '');
}

export const usageRows = async (stateDir: string): Promise<UsageObject[]> =>
  (await chorusUsage(stateDir, '--rows', '--json')).map((line) => JSON.parse(line) as UsageObject);
