import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import { aReplica } from '../support/replicas.ts';
import { failed, finished } from '../support/scripted-upstream.ts';
import { FINAL, LOADING_WAIT_MS, PROMPT_TOKENS, sampling, setUpTurn as setUp, userPrompt } from '../support/turn.ts';
import { vocabulary } from '../support/vocabulary.ts';

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
      failedAttempts: [],
      isSimulated: false,
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

  it('says that no replica is there when none was tried', async () => {
    expect(await setUp([]).run()).toMatchObject({
      kind: 'failed',
      isSimulated: null,
      error: { errorName: 'no_replica' },
    });
  });

  it('counts no input that no engine was asked with', async () => {
    const nothing = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 };
    const cut = userPrompt('old '.repeat(4000), true);
    const refused = [
      ['no_replica', setUp([]).run()],
      ['context_length_exceeded', setUp().run({ prompt: userPrompt('old '.repeat(5000), false) })],
      ['context_length_exceeded', setUp().run({ prompt: cut })],
    ] as const;
    for (const [errorName, end] of refused) {
      expect(await end).toMatchObject({ kind: 'failed', error: { errorName }, usage: nothing });
    }
    const { run, clock } = setUp([], true);
    const client = new AbortController();
    const [late, left] = [run(), run({}, true, client)];
    await nextLoopTurn();
    client.abort(new Error('left'));
    expect(await left).toMatchObject({ kind: 'aborted', usage: nothing });
    clock.advance(LOADING_WAIT_MS);
    expect(await late).toMatchObject({ kind: 'failed', error: { errorName: 'still_loading' }, usage: nothing });
  });

  it('counts the input of an engine that was asked and did not answer', async () => {
    const { upstream, run, client } = setUp();
    const [failing, left] = [run(), run({}, true, client)];
    const usage = { inputTokens: PROMPT_TOKENS, cachedTokens: 0, outputTokens: 0 };
    (await upstream.next()).end(failed('rejected'));
    expect(await failing).toMatchObject({ kind: 'failed', usage });
    await upstream.next();
    client.abort(new Error('left'));
    expect(await left).toMatchObject({ kind: 'aborted', usage });
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
    void run({ prompt: { kind: 'messages', messages, truncate: true } });
    const { promptTokenIds, sampling: sent } = (await upstream.next()).request;
    const [newer = 0] = encodeText(vocabulary, 'newer');
    const [old = 0] = encodeText(vocabulary, 'old');
    expect([promptTokenIds.includes(newer), promptTokenIds.includes(old)]).toEqual([true, false]);
    expect(sent.max_tokens).toBe(4096 - promptTokenIds.length);
    client.abort();
    const { run: runStrict } = setUp();
    const tooLong = userPrompt('old '.repeat(4000), true);
    expect(await runStrict({ prompt: tooLong })).toMatchObject({
      kind: 'failed',
      error: { code: 'context_length_exceeded' },
    });
  });

  it('refuses an input that no context of the model can hold without reading it to its end', async () => {
    const { run } = setUp();
    const messages = Array.from({ length: 300_000 }, () => ({ role: 'user', text: 'hi' }) as const);
    const end = await run({ prompt: { kind: 'messages', messages, truncate: false } });
    if (end.kind !== 'failed') throw new Error(end.kind);
    expect(end.error).toMatchObject({
      code: 'context_length_exceeded',
      param: 'input',
      message:
        'The input has more than 131072 tokens and the context window of gpt-oss-20b here has 4096. Shorten the input.',
    });
  });

  it('blames max_output_tokens when the answer alone is longer than the context and the input may be cut', async () => {
    const end = await setUp().run({ prompt: userPrompt('hi', true), maxOutputTokens: 5000 });
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
    pool.closeStreams('e0', 'closed', 'the engine is being stopped');
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
