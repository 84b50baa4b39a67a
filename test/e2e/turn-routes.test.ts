import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderConversation } from '../../src/harmony/render.ts';
import { encodeAll } from '../../src/harmony/encode.ts';
import type { UsageList } from '../../src/ledger/usage-objects.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';
import { replicasReady, startChorus, startQuickChorus, type RunningChorus } from '../support/chorus-process.ts';
import { post, postStream, type DataStream } from '../support/completions-client.ts';
import { engineCounters } from '../support/engine-metrics.ts';
import { eventually } from '../support/eventually.ts';
import { getJson } from '../support/responses-client.ts';
import { vocabulary } from '../support/vocabulary.ts';

/** Slow enough that a story is in its middle for seconds. */
const PACE = ['--engine-arg=--sim-token-interval-ms', '--engine-arg=20'];
const STORY = [{ role: 'user' as const, text: 'Tell me a long story.' }];
const tokenIds = encodeAll(vocabulary, renderConversation(STORY));
const max_tokens = 300;
/** However often they end. */
const QUICK_RESTARTS = { restart: { ...DEFAULT_POLICY.restart, maxDelayMs: 50, firstDelayMs: 50 } };

/** A story by every route that keeps nothing. */
const ASKED: readonly (readonly [path: string, api: string, body: object])[] = [
  ['/v1/chat/completions', 'chat', { messages: [{ role: 'user', content: 'Tell me a long story.' }] }],
  ['/v1/completions', 'completions', { prompt: tokenIds, max_tokens }],
  ['/inference/v1/generate', 'generate', { token_ids: tokenIds, sampling_params: { max_tokens } }],
];
const CLIENTS = ASKED.flatMap(([path, , body]) => [
  [path, 'whole', body] as const,
  [path, 'streamed', { ...body, stream: true }] as const,
]);

let chorus: RunningChorus;
beforeAll(async () => {
  chorus = await startChorus(['--engine', 'simulated', '--replicas', '1', ...PACE]);
  await replicasReady(chorus, 1, 30_000);
});
afterAll(() => chorus.stop());

const running = async (): Promise<number> => (await engineCounters(await chorus.status())).running;
const inFlight = async (): Promise<number> => (await chorus.status()).engines[0]?.inFlight ?? 0;

/** A client with a socket of its own, whose question is sent. */
async function askBySocket(path: string, body: object): Promise<Socket> {
  const socket = connect(Number(new URL(chorus.url).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  const text = JSON.stringify({ model: 'gpt-oss-20b', ...body });
  const head = [`POST ${path} HTTP/1.1`, 'host: localhost', 'content-type: application/json'];
  socket.write(`${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  return socket;
}

describe('a client that leaves in the middle', () => {
  it.each(CLIENTS)('of %s, %s, ends the work of the engine', async (path, _, body) => {
    const socket = await askBySocket(path, body);
    await eventually('its generation', 10_000, async () => ((await running()) === 1 ? true : null));
    socket.destroy();
    await eventually('its end', 10_000, async () => ((await running()) + (await inFlight()) === 0 ? true : null));
  });
});

describe('the ledger', () => {
  it('has a row for every turn, by the name of its API and its id', async () => {
    const ids: string[] = [];
    for (const [path, , body] of ASKED) {
      const short = path.startsWith('/inference')
        ? { token_ids: tokenIds, sampling_params: { max_tokens: 4 } }
        : { ...body, max_tokens: 4 };
      const { body: answer } = await post<{ id?: string; request_id?: string }>(chorus.url, path, short);
      ids.push(answer.id ?? answer.request_id ?? expect.fail(JSON.stringify(answer)));
    }
    const { data } = (await getJson<UsageList>(`${chorus.url}/admin/usage?limit=1000`)).body;
    const rows = data.filter(({ id }) => ids.includes(id));
    expect(rows.map(({ api, outcome, output_tokens: tokens }) => [api, outcome, tokens])).toEqual(
      ASKED.map(([, api]) => [api, 'incomplete', 4]),
    );
    const aborted = data.filter(({ outcome }) => outcome === 'aborted').map(({ api, stream }) => [api, stream]);
    expect(aborted).toEqual(ASKED.flatMap(([, api]) => [false, true].map((stream) => [api, stream])));
  });
});

describe('an engine killed in the middle of a stream', () => {
  let two: RunningChorus;
  beforeAll(async () => {
    two = await startQuickChorus(QUICK_RESTARTS, ['--engine', 'simulated', '--replicas', '2', ...PACE]);
  });
  afterAll(() => two.stop());
  const generated = async (): Promise<number> => (await engineCounters(await two.status())).generationTokens;
  const moves = async (): Promise<number> => {
    const metrics = await (await request(`${two.url}/metrics`)).body.text();
    return Number(/chorus_failed_attempts_total\{.*outcome="moved".*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  };

  it.each(ASKED)('of %s: another goes on with the same answer', { timeout: 90_000 }, async (path, _, body) => {
    await replicasReady(two, 2, 30_000);
    const [generatedBefore, movesBefore] = [await generated(), await moves()];
    const ask = () => postStream<AnyChunk>(two.url, path, { temperature: 0, ...body });
    const streams = [ask(), ask()];
    const victim = await eventually('tokens of the stories', 10_000, async () => {
      const busy = (await two.status()).engines.find(({ inFlight: count }) => count > 0);
      return busy !== undefined && (await generated()) > generatedBefore + 60 ? busy : null;
    });
    process.kill(victim.pid ?? expect.fail('no pid'), 'SIGKILL');
    const ended = await Promise.all(streams);
    expect(ended.map(({ error, done }) => [error, done])).toEqual(ended.map(() => [null, true]));
    const [one = '', other] = ended.map(readText);
    expect(one).toBe(other);
    expect(one.length).toBeGreaterThan(500);
    expect(await moves()).toBe(movesBefore + 1);
  });
});

/** What a chunk of any of the routes brings. */
interface AnyChunk {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string };
    readonly text?: string;
    readonly token_ids?: readonly number[];
  }[];
}

/** What a stream says, as one text. */
const readText = ({ chunks }: DataStream<AnyChunk>): string =>
  chunks
    .flatMap(({ choices }) => choices)
    .map(({ delta, text, token_ids: some }) => delta?.content ?? text ?? some?.map((id) => `${id},`).join('') ?? '')
    .join('');
