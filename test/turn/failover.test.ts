import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/harmony/encode.ts';
import { structuralTag } from '../../src/harmony/structural-tag.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import type { TurnRequest } from '../../src/turn/run-turn.ts';
import { aReplica } from '../support/replicas.ts';
import { failed, finished } from '../support/scripted-upstream.ts';
import { FINAL, PROMPT_TOKENS, sampling, setUpTurn as setUp } from '../support/turn.ts';
import { vocabulary } from '../support/vocabulary.ts';

const ids = (text: string): number[] => encodeText(vocabulary, text);
const seeded: Partial<TurnRequest> = { sampling: { ...sampling, seed: 7 } };

describe('a turn whose engine fails', () => {
  it('begins anew on another replica, unnoticed by the listener, while nothing was generated', async () => {
    const { upstream, heard, failures, run } = setUp();
    const end = run();
    (await upstream.next()).end(failed('cut'));
    const second = await upstream.next();
    expect([second.request.replica.engineId, second.request.promptTokenIds.length]).toEqual(['e1', PROMPT_TOKENS]);
    second.tokens(...FINAL, ...ids('Hi'), TOKENS.return);
    second.end(finished());
    const attempt = {
      engineId: 'e0',
      cause: 'cut',
      status: null,
      outcome: 'retried',
      outputTokens: 0,
      suspectHash: null,
      reason: 'scripted',
    };
    expect(await end).toEqual({
      kind: 'completed',
      usage: { inputTokens: PROMPT_TOKENS, cachedTokens: 0, outputTokens: 5 },
      failedAttempts: [attempt],
      isSimulated: false,
      replica: aReplica({ engineId: 'e1' }),
    });
    expect(heard.join('')).toBe('<final>Hi</return>||');
    expect(failures).toEqual([{ requestId: 'resp_1', ...attempt }]);
  });

  it('tells of the simulator where that was given the turn last, also to a client that left', async () => {
    const { upstream, client, pool, run } = setUp(['e0']);
    pool.admit(aReplica({ engineId: 's0', simulated: true }));
    const end = run();
    (await upstream.next()).end(failed('cut'));
    expect((await upstream.next()).request.replica.engineId).toBe('s0');
    client.abort();
    expect(await end).toMatchObject({ kind: 'aborted', isSimulated: true });
  });

  it.each([true, false])('goes on where it was on another replica, seen (%s) or not', async (isLive) => {
    const { upstream, heard, failures, run } = setUp();
    const end = run({ maxOutputTokens: 20 }, isLive);
    const first = await upstream.next();
    first.tokens(...FINAL, ...ids('Hel'));
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request).toMatchObject({
      replica: { engineId: 'e1' },
      promptTokenIds: [...first.request.promptTokenIds, ...FINAL, ...ids('Hel')],
      sampling: { max_tokens: 16, stop_token_ids: first.request.sampling.stop_token_ids },
    });
    second.tokens(...ids('lo'), TOKENS.return);
    const engineUsage = { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 };
    second.end({ kind: 'finished', finishReason: 'stop', usage: engineUsage });
    expect(await end).toMatchObject({
      kind: 'completed',
      usage: { inputTokens: PROMPT_TOKENS, cachedTokens: 0, outputTokens: 6 },
      failedAttempts: [{ outcome: 'moved', outputTokens: 4 }],
    });
    expect(heard.join('')).toBe('<final>Hel|lo</return>||');
    expect(failures).toMatchObject([{ engineId: 'e0', outcome: 'moved', outputTokens: 4 }]);
  });

  it('goes on in the middle of a character, a header, and a stop string', async () => {
    const { upstream, heard, run } = setUp(['e0', 'e1', 'e2']);
    const end = run({ stop: ['STOP'] });
    const [half = 0, ...rest] = ids('🫠');
    const header = [...FINAL];
    const first = await upstream.next();
    first.tokens(...header.splice(0, 1));
    first.end(failed('closed'));
    const second = await upstream.next();
    second.tokens(...header, ...ids('a'), half);
    second.end(failed('cut'));
    const third = await upstream.next();
    expect(third.request.promptTokenIds.slice(PROMPT_TOKENS)).toEqual([...FINAL, ...ids('a'), half]);
    third.tokens(...rest, ...ids('b ST'));
    third.tokens(...ids('OP c'));
    expect((await end).kind).toBe('completed');
    expect(heard.join('').replaceAll('|', '')).toBe('<final>a🫠b </return>');
  });

  it('goes on in a thought with the rest of the grammar, and not in the JSON behind it', async () => {
    const { upstream, run } = setUp();
    const rule = { maxReasoningTokens: null, calls: [], answer: { kind: 'json', schema: true } } as const;
    const end = run({ rule });
    const first = await upstream.next();
    first.tokens(TOKENS.channel, ...ids('analysis'), TOKENS.message, ...ids('hm'));
    first.end(failed('closed'));
    const second = await upstream.next();
    const tags = [first, second].map(({ request }) => request.sampling.structured_outputs?.['structural_tag']);
    expect(tags).toEqual([structuralTag(rule), structuralTag(rule, 'analysis')].map((tag) => JSON.stringify(tag)));
    second.tokens(TOKENS.end, TOKENS.start, ...ids('assistant'), TOKENS.channel, ...ids('final '), TOKENS.constrain);
    second.tokens(...ids('json'), TOKENS.message, ...ids('{'));
    second.end(failed('stalled'));
    expect(await end).toMatchObject({
      kind: 'failed',
      failedAttempts: [{ outcome: 'moved' }, { outcome: 'given_up' }],
    });
  });

  it('begins anew where going on would not be honest and nobody has seen anything', async () => {
    const { upstream, heard, failures, run } = setUp();
    const end = run(seeded, false);
    const first = await upstream.next();
    first.tokens(...FINAL, ...ids('Hel'));
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.promptTokenIds).toHaveLength(PROMPT_TOKENS);
    second.tokens(...FINAL, ...ids('Hi'), TOKENS.return);
    const engineUsage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
    second.end({ kind: 'finished', finishReason: 'stop', usage: engineUsage });
    expect(await end).toMatchObject({ kind: 'completed', usage: { outputTokens: 5 } });
    expect(heard.join('')).toBe('<final>Hel|<start over><final>Hi</return>||');
    expect(failures).toMatchObject([{ outcome: 'retried', outputTokens: 4 }]);
  });

  it('fails where going on would not be honest and somebody has seen output', async () => {
    const { upstream, failures, run } = setUp();
    const end = run(seeded);
    const stream = await upstream.next();
    stream.tokens(...FINAL);
    stream.end(failed('cut'));
    expect(await end).toMatchObject({ kind: 'failed', error: { status: 502 }, usage: { outputTokens: 3 } });
    expect(failures).toMatchObject([{ engineId: 'e0', outcome: 'given_up' }]);
  });

  it('is complete where only the end of its stream was lost', async () => {
    const { upstream, heard, failures, run } = setUp(['e0']);
    const end = run(seeded);
    const stream = await upstream.next();
    stream.tokens(...FINAL, ...ids('Hi'), TOKENS.return);
    stream.end(failed('cut'));
    expect(await end).toMatchObject({ kind: 'completed', usage: { outputTokens: 5 }, failedAttempts: [] });
    const limited = run({ maxOutputTokens: 4 });
    const full = await upstream.next();
    full.tokens(...FINAL, ...ids('Hel'));
    full.end(failed('cut'));
    expect(await limited).toMatchObject({ kind: 'incomplete', usage: { outputTokens: 4 } });
    expect([heard.filter((text) => text === '</return>').length, failures]).toEqual([1, []]);
  });

  it('keeps the prompt that was cut to fit, and goes on only where it fits with what is generated', async () => {
    const { upstream, pool, run } = setUp(['e0']);
    const messages = [
      { role: 'user', text: 'old '.repeat(3000) } as const,
      { role: 'assistant', channel: 'final', text: 'ok' } as const,
      { role: 'user', text: 'new '.repeat(900) } as const,
    ];
    const end = run({ prompt: { kind: 'messages', messages, truncate: true } });
    const first = await upstream.next();
    pool.admit(aReplica({ engineId: 'small', maxModelLen: 910 }));
    pool.admit(aReplica({ engineId: 'large', maxModelLen: 100_000 }));
    first.tokens(...FINAL, ...ids('Hello'));
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.replica.engineId).toBe('large');
    expect(second.request.promptTokenIds).toEqual([...first.request.promptTokenIds, ...FINAL, ...ids('Hello')]);
    second.end(finished());
    expect(await end).toMatchObject({ usage: { inputTokens: first.request.promptTokenIds.length } });
  });

  it('needs no more room for the rest than for the whole', async () => {
    const { upstream, pool, run } = setUp([]);
    for (const engineId of ['e0', 'e1']) pool.admit(aReplica({ engineId, maxModelLen: PROMPT_TOKENS + 20 }));
    const end = run({ maxOutputTokens: 20 });
    const first = await upstream.next();
    first.tokens(...FINAL);
    first.end(failed('cut'));
    (await upstream.next()).end(finished());
    expect((await end).kind).toBe('completed');
  });

  it('tells of the engine’s failure where only a replica is left that is too small', async () => {
    const { upstream, pool, run } = setUp(['e0']);
    pool.admit(aReplica({ engineId: 'small', maxModelLen: PROMPT_TOKENS + 1 }));
    const end = run({ maxOutputTokens: 20 });
    const first = await upstream.next();
    pool.withdraw('e0', 'its process ended');
    first.end(failed('cut'));
    expect(await end).toMatchObject({ kind: 'failed', error: { errorName: 'engine_failed' } });
  });

  it('passes a slow client’s pause on to the engine that goes on, and ends with a client that leaves meanwhile', async () => {
    const { upstream, flow, client, pool, run } = setUp();
    const end = run();
    const first = await upstream.next();
    first.tokens(...FINAL);
    flow.pause();
    first.end(failed('cut'));
    const second = await upstream.next();
    await nextLoopTurn();
    expect(second.paused).toBe(true);
    client.abort();
    expect(await end).toMatchObject({ kind: 'aborted', usage: { outputTokens: 3 } });
    expect([second.aborted, pool.view().map(({ inFlight }) => inFlight)]).toEqual([true, [0, 0]]);
  });

  it('goes on when its engine is to have no streams any more', async () => {
    const { upstream, pool, failures, run } = setUp();
    const end = run();
    const first = await upstream.next();
    first.tokens(...FINAL);
    pool.withdraw('e0', 'it makes no progress');
    pool.closeStreams('e0', 'stalled', 'it makes no progress');
    const second = await upstream.next();
    second.tokens(...ids('Hi'), TOKENS.return);
    second.end(finished());
    expect(await end).toMatchObject({ kind: 'completed' });
    expect(failures).toMatchObject([{ cause: 'stalled', outcome: 'moved', reason: 'it makes no progress' }]);
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
});
