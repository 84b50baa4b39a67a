import { describe, expect, it } from 'vitest';
import { prepareGeneration } from '../../src/completions/prepare-generation.ts';
import { encodeText } from '../../src/harmony/encode.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import type { GenerateBody, Generation } from '../../src/protocol/generation.ts';
import { answerStream, answerWhole } from '../../src/turn/answer-turn.ts';
import type { TurnReport } from '../../src/turn/turn-report.ts';
import { readDataFrames } from '../support/completions-client.ts';
import { prepareOptions } from '../support/prepare-options.ts';
import { failed, finished } from '../support/scripted-upstream.ts';
import { setUpTurn } from '../support/turn.ts';
import { vocabulary } from '../support/vocabulary.ts';

const PROMPT = [11, 12, 13];

/** Generations over scripted engines. */
function setUp() {
  const { deps: turn, clock, upstream, flow, client } = setUpTurn();
  const reports: TurnReport[] = [];
  const turnEnds = { ended: async (report: TurnReport) => void reports.push(report) };
  const deps = { turn, clock, turnEnds };
  const asked = (params: GenerateBody['sampling_params'], more: object = {}) =>
    prepareGeneration({ model: 'gpt-oss-20b', token_ids: PROMPT, sampling_params: params, ...more }, prepareOptions);
  let written = '';
  const stream = async (params: GenerateBody['sampling_params'] = {}) => {
    const write = (frames: string): void => void (written += frames);
    await answerStream(deps, asked(params), write, { flow, signal: client.signal });
    return readDataFrames<Generation>(written);
  };
  const whole = (params: GenerateBody['sampling_params'] = {}, more: object = {}) =>
    answerWhole(deps, asked(params, more), client.signal);
  return { upstream, flow, client, reports, stream, whole };
}

const idsOf = (chunks: readonly Generation[]): number[] =>
  chunks.flatMap(({ choices }) => choices.flatMap(({ token_ids: tokenIds }) => tokenIds));

describe('a generation', () => {
  it('asks the engine for what was asked here, under its own id and the caller’s salt', async () => {
    const { upstream, client, whole } = setUp();
    const params = {
      temperature: 0.5,
      max_tokens: 7,
      stop_token_ids: [TOKENS.end],
      ignore_eos: true,
      min_tokens: 2,
      allowed_token_ids: [1, 2],
      structured_outputs: { regex: 'a+' },
    };
    void whole(params, { cache_salt: 'theirs', request_id: 'theirs', priority: 3 });
    const { request } = await upstream.next();
    expect(request).toMatchObject({ promptTokenIds: PROMPT, cacheSalt: 'p' });
    expect(request.requestId).toMatch(/^gen-/);
    expect(request.sampling).toMatchObject({ ...params, priority: 3, top_p: 1, seed: null });
    client.abort();
  });

  it('goes on with another engine, and tells no token twice', async () => {
    const { upstream, stream, reports } = setUp();
    const end = stream();
    const first = await upstream.next();
    first.tokens(1, 2);
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.promptTokenIds).toEqual([...PROMPT, 1, 2]);
    second.tokens(3, TOKENS.return);
    second.end(finished());
    const { chunks, done } = await end;
    expect([idsOf(chunks), done]).toEqual([[1, 2, 3, TOKENS.return], true]);
    expect(reports).toMatchObject([{ api: 'generate', outcome: 'completed', inputTokens: 3, outputTokens: 4 }]);
  });

  it('with a seed begins anew as long as nothing was sent, and ends with the reason after that', async () => {
    const { upstream, stream, reports } = setUp();
    const end = stream({ seed: 1 });
    (await upstream.next()).end(failed('unreachable'));
    const second = await upstream.next();
    expect(second.request.promptTokenIds).toEqual(PROMPT);
    second.tokens(1);
    second.end(failed('cut'));
    const { chunks, error, done } = await end;
    expect([idsOf(chunks), error?.code, done]).toEqual([[1], 'server_error', true]);
    expect(reports).toMatchObject([{ outcome: 'failed', error: 'engine_failed', isStream: true }]);
  });

  it('that is taken whole is begun anew by another engine', async () => {
    const { upstream, whole } = setUp();
    const end = whole({ seed: 1 });
    const first = await upstream.next();
    first.tokens(1, 2);
    first.end(failed('cut'));
    const second = await upstream.next();
    second.tokens(3, 4);
    second.end(finished('length'));
    expect((await end)?.choices[0]).toMatchObject({ token_ids: [3, 4], finish_reason: 'length', stop_reason: null });
  });

  it('does not end where the request goes beyond the model’s ends, though the frame after one is lost', async () => {
    const { upstream, whole } = setUp();
    const end = whole({ ignore_eos: true });
    const first = await upstream.next();
    first.tokens(1, TOKENS.return);
    first.end(failed('cut'));
    const second = await upstream.next();
    expect(second.request.promptTokenIds).toEqual([...PROMPT, 1, TOKENS.return]);
    second.tokens(2, TOKENS.call);
    second.end(finished());
    expect((await end)?.choices[0]).toMatchObject({
      token_ids: [1, TOKENS.return, 2, TOKENS.call],
      stop_reason: TOKENS.call,
    });
  });

  it('ends the engine’s work at a stop string', async () => {
    const { upstream, whole } = setUp();
    const end = whole({ stop: 'b c' });
    const engine = await upstream.next();
    engine.tokens(...encodeText(vocabulary, 'a b c d'));
    expect(engine.aborted).toBe(true);
    expect((await end)?.choices[0].token_ids).toEqual(encodeText(vocabulary, 'a b c'));
  });

  it('is told as aborted when its client leaves, and paused while its client does not read', async () => {
    const { upstream, flow, client, stream, reports } = setUp();
    const end = stream();
    const engine = await upstream.next();
    engine.tokens(1);
    flow.pause();
    expect(engine.paused).toBe(true);
    flow.resume();
    expect(engine.paused).toBe(false);
    client.abort(new Error('left'));
    const { chunks, done } = await end;
    expect([idsOf(chunks), done, engine.aborted]).toEqual([[1], false, true]);
    expect(reports).toMatchObject([{ outcome: 'aborted', error: null }]);
  });

  it('names its model where more than one is served', () => {
    const unnamed = () => prepareGeneration({ token_ids: PROMPT, sampling_params: {} }, prepareOptions);
    expect(unnamed).toThrow(/^Missing required parameter: model\./);
  });
});
