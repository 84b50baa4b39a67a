import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { Pool } from '../../src/pool/pool.ts';
import { Flow } from '../../src/turn/attempt.ts';
import type { TurnListener } from '../../src/turn/progress.ts';
import { PromptEncoder } from '../../src/turn/prompt-encoder.ts';
import { runTurn, type TurnRequest } from '../../src/turn/run-turn.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aReplica } from '../support/replicas.ts';
import { failed, finished, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { vocabulary } from '../support/vocabulary.ts';

const sampling = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: null,
  priority: 0,
  logitBias: null,
  topLogprobs: null,
};
const request: TurnRequest = {
  requestId: 'resp_1',
  cacheSalt: null,
  model: 'gpt-oss-20b',
  messages: [{ role: 'user', text: 'hi' }],
  sampling,
  maxOutputTokens: null,
  truncate: false,
  stop: [],
  rule: null,
};
const FINAL = [TOKENS.channel, ...encodeText(vocabulary, 'final'), TOKENS.message];
const PROMPT_TOKENS = 7;

function setUp(replicas = ['e0', 'e1']) {
  const pool = new Pool({
    clock: new FakeClock(),
    loadingWaitMs: 1000,
    outlook: () => ({ mayBecomeReady: false, othersMayCome: false, leftMs: null, sentence: 'none left.' }),
  });
  for (const engineId of replicas) pool.admit(aReplica({ engineId }));
  const upstream = new ScriptedUpstream();
  const heard: string[] = [];
  const retries: unknown[] = [];
  const listener: Omit<TurnListener, 'isLive'> = {
    onMessageStart: ({ channel }) => void heard.push(`<${channel}>`),
    onText: (text) => void heard.push(text),
    onMessageEnd: ({ how }) => void heard.push(`</${how}>`),
    onLogprobs: (logprobs) => void heard.push(`[${logprobs.map(({ token_id: id }) => id).join()}]`),
    onBatchEnd: () => void heard.push('|'),
    onStartOver: () => void heard.push('<start over>'),
  };
  const deps = {
    vocabulary,
    prompts: new PromptEncoder(vocabulary, 10_000),
    pool,
    openTokenStream: upstream.open,
    onAttemptFailed: (event: unknown) => void retries.push(event),
  };
  const client = new AbortController();
  const flow = new Flow();
  const run = (changes: Partial<TurnRequest> = {}, isLive = true) =>
    runTurn(deps, { ...request, ...changes }, { ...listener, isLive }, { flow, signal: client.signal });
  return { pool, upstream, heard, retries, client, flow, run };
}

describe('runTurn', () => {
  it('hands on what each read brought and says how it ended', async () => {
    const { upstream, heard, pool, run } = setUp();
    const end = run();
    const stream = await upstream.next();
    expect(stream.request.promptTokenIds).toHaveLength(PROMPT_TOKENS);
    stream.tokens(...FINAL);
    stream.tokens(...encodeText(vocabulary, 'Hello'), TOKENS.return);
    stream.end(finished());
    expect(await end).toEqual({
      kind: 'completed',
      usage: { inputTokens: PROMPT_TOKENS, cachedTokens: 0, outputTokens: 5 },
      replica: aReplica({ engineId: 'e0' }),
    });
    expect(heard).toEqual(['<final>', '|', 'Hello', '</return>', '|', '|']);
    expect(pool.view().map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it('lets the engine gather tokens only where nobody sees them come, and not where a stop string may end it', async () => {
    const { upstream, client, run } = setUp();
    const ends = [run({}, false), run({ stop: ['x'] }, false), run()];
    const intervals: unknown[] = [];
    for (const _ of ends) intervals.push((await upstream.next()).request.sampling.stream_interval);
    client.abort();
    await Promise.all(ends);
    expect(intervals).toEqual([64, undefined, undefined]);
  });

  it('moves to another replica, unnoticed by the listener, while nothing was handed on', async () => {
    const { upstream, heard, retries, run } = setUp();
    const end = run();
    const first = await upstream.next();
    first.tokens(TOKENS.channel);
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.replica.engineId).toBe('e1');
    second.tokens(...FINAL, ...encodeText(vocabulary, 'Hi'), TOKENS.return);
    second.end(finished());
    expect(await end).toMatchObject({ kind: 'completed', usage: { outputTokens: 5 } });
    expect(heard.join('')).toBe('|<final>Hi</return>||');
    expect(retries).toEqual([{ requestId: 'resp_1', engineId: 'e0', reason: 'cut: scripted', retried: true }]);
  });

  it('starts over on another replica after output that nobody has seen', async () => {
    const { upstream, heard, run } = setUp();
    const end = run({}, false);
    const first = await upstream.next();
    first.tokens(...FINAL, ...encodeText(vocabulary, 'Hel'));
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.replica.engineId).toBe('e1');
    second.tokens(...FINAL, ...encodeText(vocabulary, 'Hi'), TOKENS.return);
    second.end(finished());
    expect(await end).toMatchObject({ kind: 'completed', usage: { outputTokens: 5 } });
    expect(heard.join('')).toBe('<final>Hel|<start over><final>Hi</return>||');
  });

  it('fails, and does not start again, once somebody has seen output', async () => {
    const { upstream, retries, run } = setUp();
    const end = run();
    const stream = await upstream.next();
    stream.tokens(...FINAL);
    stream.end(failed('cut'));
    expect(await end).toMatchObject({ kind: 'failed', error: { status: 502 }, usage: { outputTokens: 3 } });
    expect(retries).toMatchObject([{ engineId: 'e0', retried: false }]);
  });

  it('fails with the last failure when each replica failed the request and none is left', async () => {
    const { upstream, run } = setUp();
    const end = run();
    (await upstream.next()).end(failed('unreachable'));
    (await upstream.next()).end(failed('unreachable'));
    expect(await end).toMatchObject({
      kind: 'failed',
      error: {
        errorName: 'engine_failed',
        message: '2 engines failed this request and no other is left, the last: scripted',
      },
    });
    const { upstream: only, run: runOnly } = setUp(['e0']);
    const lone = runOnly();
    (await only.next()).end(failed('cut'));
    expect(await lone).toMatchObject({
      error: { errorName: 'engine_failed', message: 'The engine failed this request and no other is left: scripted' },
    });
  });

  it('says that no replica is there when none was tried', async () => {
    expect(await setUp([]).run()).toMatchObject({ kind: 'failed', error: { errorName: 'no_replica' } });
  });

  it('is incomplete when the engine stopped at the token limit, and keeps what was begun', async () => {
    const { upstream, heard, run } = setUp();
    const end = run({ maxOutputTokens: 16 });
    const stream = await upstream.next();
    expect(stream.request.sampling.max_tokens).toBe(16);
    stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hel'));
    stream.end(finished('length'));
    expect((await end).kind).toBe('incomplete');
    expect(heard.join('')).toBe('<final>Hel|</cut>|');
  });

  it('ends the engine’s work at a stop string, as a completed turn', async () => {
    const { upstream, heard, run } = setUp();
    const end = run({ stop: ['lo'] });
    const stream = await upstream.next();
    stream.tokens(...FINAL, ...encodeText(vocabulary, 'Hello world'));
    expect(stream.aborted).toBe(true);
    expect((await end).kind).toBe('completed');
    expect(heard.join('')).toBe('<final>Hel</return>||');
  });

  it('tells log probabilities just before the text of the answer that they belong to, and of nothing else', async () => {
    const { upstream, heard, run } = setUp();
    const end = run({ sampling: { ...sampling, topLogprobs: 0 } });
    const stream = await upstream.next();
    expect(stream.request.sampling.logprobs).toBe(0);
    const [hello = 0] = encodeText(vocabulary, 'Hello');
    const ids = [
      TOKENS.channel,
      ...encodeText(vocabulary, 'analysis'),
      TOKENS.message,
      hello,
      TOKENS.end,
      TOKENS.start,
    ];
    const all = [...ids, ...encodeText(vocabulary, 'assistant'), ...FINAL, hello, TOKENS.return];
    stream.tokensWithLogprobs(
      all,
      all.map((id) => ({ token_id: id, logprob: -1 })),
    );
    stream.end(finished());
    await end;
    expect(heard.join('')).toBe(`<analysis>Hello</end><final>[${hello}]Hello</return>||`);
  });

  it('leaves out the oldest turns of a context that is too long, when asked to', async () => {
    const { upstream, run, client } = setUp();
    const turn = (text: string) => [
      { role: 'user', text } as const,
      { role: 'assistant', channel: 'final', text } as const,
    ];
    const messages = [
      { role: 'system', effort: 'low', date: null, hasFunctionTools: false } as const,
      ...turn('old '.repeat(3000)),
      ...turn('newer'),
      { role: 'user', text: 'newest' } as const,
    ];
    void run({ messages, truncate: true });
    const { promptTokenIds, sampling: sent } = (await upstream.next()).request;
    const [newer = 0] = encodeText(vocabulary, 'newer');
    const [old = 0] = encodeText(vocabulary, 'old');
    expect([promptTokenIds.includes(newer), promptTokenIds.includes(old)]).toEqual([true, false]);
    expect(sent.max_tokens).toBe(4096 - promptTokenIds.length);
    client.abort();
    const { run: runStrict } = setUp();
    expect(await runStrict({ messages: [{ role: 'user', text: 'old '.repeat(4000) }], truncate: true })).toMatchObject({
      kind: 'failed',
      error: { code: 'context_length_exceeded' },
    });
  });

  it('refuses an input that no context of the model can hold without reading it to its end', async () => {
    const { run } = setUp();
    const messages = Array.from({ length: 300_000 }, () => ({ role: 'user', text: 'hi' }) as const);
    const end = await run({ messages });
    if (end.kind !== 'failed') throw new Error(end.kind);
    expect(end.error).toMatchObject({
      code: 'context_length_exceeded',
      param: 'input',
      message:
        'The input has more than 131072 tokens and the context window of gpt-oss-20b here has 4096. Shorten the input.',
    });
  });

  it('blames max_output_tokens when the answer alone is longer than the context and the input may be cut', async () => {
    const end = await setUp().run({ truncate: true, maxOutputTokens: 5000 });
    expect(end).toMatchObject({
      kind: 'failed',
      error: {
        code: 'context_length_exceeded',
        param: 'max_output_tokens',
        message:
          'max_output_tokens asks for 5000 tokens and the context window of gpt-oss-20b here has 4096, for input and ' +
          'output together. Lower max_output_tokens to less than 4096.',
      },
    });
  });

  it('may generate up to the end of the context when no limit is asked for', async () => {
    const { upstream, run, client } = setUp();
    void run();
    expect((await upstream.next()).request.sampling.max_tokens).toBe(4096 - PROMPT_TOKENS);
    client.abort();
  });

  it('ends the engine’s work when the client leaves', async () => {
    const { upstream, pool, client, run } = setUp();
    const end = run();
    const stream = await upstream.next();
    client.abort(new Error('left'));
    expect((await end).kind).toBe('aborted');
    expect(stream.aborted).toBe(true);
    expect(pool.view().map(({ inFlight }) => inFlight)).toEqual([0, 0]);
  });

  it('ends with the pool’s reason when its engine has to stop', async () => {
    const { upstream, pool, run } = setUp(['e0']);
    const end = run();
    const stream = await upstream.next();
    stream.tokens(...FINAL);
    pool.closeStreams('e0', 'the engine is being stopped');
    expect(await end).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringContaining('the engine is being stopped') },
    });
    expect(stream.aborted).toBe(true);
  });

  it('passes a slow client’s pause on to the engine, also to the one after a retry', async () => {
    const { upstream, flow, client, run } = setUp();
    void run();
    const first = await upstream.next();
    flow.pause();
    expect(first.paused).toBe(true);
    first.end(failed('cut'));
    const second = await upstream.next();
    await nextLoopTurn();
    expect(second.paused).toBe(true);
    flow.resume();
    expect(second.paused).toBe(false);
    client.abort();
  });
});
