import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenRoute } from '../../src/domain/replica.ts';
import { structuralTag, type OutputRule } from '../../src/harmony/structural-tag.ts';
import type { EngineSampling } from '../../src/protocol/generate.ts';
import { systemClock } from '../../src/system/clock.ts';
import { engineRequest } from '../../src/upstream/engine-request.ts';
import { isContextOverflow } from '../../src/upstream/failure.ts';
import type { TokenStreamRequest } from '../../src/upstream/token-stream.ts';
import { createUpstream, type Upstream } from '../../src/upstream/upstream.ts';
import { eventually } from '../support/eventually.ts';
import { freshPrompt, playWorldCase, questionPrompt, readOutput } from '../support/converse.ts';
import type { EngineProcess } from '../support/engine-process.ts';
import { failureOf, runTokenStream, type RunningTokenStream } from '../support/run-token-stream.ts';
import { WORLD_CASES } from '../support/world-cases.ts';

const ROUTES: readonly TokenRoute[] = ['generate', 'completions'];
const CONTEXT_TOKENS = 4096;
const RETURN_ID = 200_002;
const END_ID = 200_007;
/** So many that an engine on a busy machine has noticed that its client has gone before it comes to the last of them. */
const MANY_TOKENS = 3900;
/** Keeps a real model from ending by itself, so that only the abort can. */
const ENDLESS = { logit_bias: { '199999': -100, '200002': -100, '200012': -100 } };

const GREEDY: EngineSampling = {
  temperature: 0,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  seed: null,
  priority: 0,
  max_tokens: 600,
  stop_token_ids: [RETURN_ID, 200_012],
};

/** What every engine must do on every route: run on the simulator and on the real vLLM, and ends with its end. */
export function tokenStreamContract(startEngine: () => EngineProcess): void {
  let engine: EngineProcess;
  let upstream: Upstream;

  beforeAll(async () => {
    upstream = createUpstream({ clock: systemClock, stallTimeoutMs: 60_000 });
    engine = startEngine();
    await engine.ready;
  });
  afterAll(async () => {
    await upstream.close();
    await engine.kill();
  });

  const requestOf = (
    route: TokenRoute,
    promptTokenIds: readonly number[],
    sampling: Partial<EngineSampling> = {},
  ): TokenStreamRequest => ({
    replica: engine.replica({ tokenRoute: route }),
    promptTokenIds,
    sampling: { ...GREEDY, ...sampling },
    requestId: 'req_test',
    cacheSalt: null,
  });

  const open = (...wish: Parameters<typeof requestOf>): RunningTokenStream =>
    runTokenStream(upstream.openTokenStream, requestOf(...wish));

  /** What the engine itself sends, however reads happen to cut or merge it. */
  const idsOfFrames = async (request: TokenStreamRequest): Promise<number[][]> => {
    const [head = '', body = ''] = engineRequest(request).split('\r\n\r\n');
    const { text } = await engine.ask(head.split(' ')[1] ?? '', JSON.parse(body));
    const ids = [...text.matchAll(/"token_ids":\[([\d,]+)\]/g)];
    return ids.map(([, list = '']) => list.split(',').map(Number));
  };

  const generate = async (route: TokenRoute, promptTokenIds: readonly number[]): Promise<readonly number[]> => {
    const running = open(route, promptTokenIds);
    expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'stop' });
    return running.tokenIds();
  };

  const idle = async (): Promise<number> => {
    await eventually('the end of all generations', 10_000, async () =>
      (await engine.metric('num_requests_running')) === 0 ? true : null,
    );
    return engine.metric('generation_tokens_total');
  };

  describe.each(ROUTES)('a stream of %s', (route) => {
    it('stops at the stop token, which it brings, and counts every token', async () => {
      const prompt = freshPrompt(200);
      const running = open(route, prompt);
      const end = await running.end;
      const tokenIds = running.tokenIds();
      expect(tokenIds.at(-1)).toBe(RETURN_ID);
      expect(end).toEqual({
        kind: 'finished',
        finishReason: 'stop',
        usage: {
          prompt_tokens: 200,
          completion_tokens: tokenIds.length,
          total_tokens: 200 + tokenIds.length,
          prompt_tokens_details: { cached_tokens: 0 },
        },
      });
    });

    it('stops at max_tokens', async () => {
      const running = open(route, questionPrompt('Count to 100.'), { max_tokens: 20 });
      expect(await running.end).toMatchObject({
        kind: 'finished',
        finishReason: 'length',
        usage: { completion_tokens: 20 },
      });
      expect(running.tokenIds()).toHaveLength(20);
    });

    it('brings the first id alone and then as many a frame as it is asked for, the rest with the end', async () => {
      const request = requestOf(route, questionPrompt('Count to 100.'), { max_tokens: 20, stream_interval: 4 });
      const frames = await idsOfFrames(request);
      // Sums: an engine that is ahead of its own server sends several frames as one.
      const sums = frames.map((_, index) => frames.slice(0, index + 1).flat().length);
      expect([1, 5, 9, 13, 17, 20]).toEqual(expect.arrayContaining(sums));
      expect(sums.at(-1)).toBe(20);
      const running = runTokenStream(upstream.openTokenStream, request);
      expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'length' });
      expect(running.tokenIds()).toEqual(frames.flat());
    });

    it('is rejected for a stream interval of nothing', async () => {
      const failure = failureOf(await open(route, questionPrompt('Say OK.'), { stream_interval: 0 }).end);
      expect(failure).toMatchObject({ reason: 'rejected', status: 400 });
    });

    it('stops at any stop token that it is given', async () => {
      const running = open(route, questionPrompt('Say OK.'), { stop_token_ids: [END_ID] });
      expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'stop' });
      expect(running.tokenIds().indexOf(END_ID)).toBe(running.tokenIds().length - 1);
    });

    it('finds whole blocks of a repeated prompt in the cache, never its last token', async () => {
      const cachedTokens = async (prompt: readonly number[]): Promise<number | null | undefined> => {
        const end = await open(route, prompt, { max_tokens: 1 }).end;
        return end.kind === 'finished' ? end.usage?.prompt_tokens_details?.cached_tokens : null;
      };
      const [two, three] = [freshPrompt(256), freshPrompt(300)];
      expect(await cachedTokens(two)).toBe(0);
      expect(await cachedTokens(two)).toBe(128);
      expect(await cachedTokens([...two, 1000])).toBe(256);
      expect(await cachedTokens(three)).toBe(0);
      expect(await cachedTokens(three)).toBe(256);
      expect(await cachedTokens([...three.slice(0, 290), ...two])).toBe(256);
    });

    it('finds in the cache what it generated itself', async () => {
      const prompt = freshPrompt(100);
      const running = open(route, [...prompt.slice(0, -1), ...questionPrompt('Count to 100.')]);
      await running.end;
      const longer = [...prompt.slice(0, -1), ...questionPrompt('Count to 100.'), ...running.tokenIds(), 1000];
      const end = await open(route, longer, { max_tokens: 1 }).end;
      expect(end).toMatchObject({
        usage: { prompt_tokens_details: { cached_tokens: Math.floor((longer.length - 2) / 128) * 128 } },
      });
    });

    it('ends in the engine when it is aborted', async () => {
      const before = await idle();
      const running = open(route, questionPrompt('Tell me a long story.'), { ...ENDLESS, max_tokens: MANY_TOKENS });
      await running.arrived(5);
      running.stream.abort();
      const seen = running.tokenIds().length;
      expect((await idle()) - before).toBeLessThan(MANY_TOKENS);
      expect(running.tokenIds()).toHaveLength(seen);
    });

    it('can be paused and taken up again without a loss', async () => {
      const prompt = questionPrompt('Tell me a long story.');
      const whole = await generate(route, prompt);
      const running = open(route, prompt);
      await running.arrived(5);
      running.stream.pause();
      await idle();
      expect(running.tokenIds().length).toBeLessThan(whole.length);
      running.stream.resume();
      expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'stop' });
      expect(running.tokenIds()).toEqual(whole);
    });

    it('is taken up where another one broke off', async () => {
      const prompt = questionPrompt('Count to 100.');
      const whole = await generate(route, prompt);
      for (const cut of [1, 10, whole.length - 1]) {
        expect(await generate(route, [...prompt, ...whole.slice(0, cut)])).toEqual(whole.slice(cut));
      }
    });

    it('is rejected when the prompt fills the context, and says so', async () => {
      for (const length of [CONTEXT_TOKENS, CONTEXT_TOKENS + 1000]) {
        const failure = failureOf(await open(route, freshPrompt(length)).end);
        expect(failure).toMatchObject({ reason: 'rejected', status: 400 });
        expect(isContextOverflow(failure)).toBe(true);
      }
    });

    it('is capped at the end of the context', async () => {
      const running = open(route, freshPrompt(CONTEXT_TOKENS - 5), { stop_token_ids: [] });
      expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'length' });
      expect(running.tokenIds()).toHaveLength(5);
    });

    it('is rejected for an id out of the vocabulary, and that is no overflow', async () => {
      const failure = failureOf(await open(route, [200_006, 201_088]).end);
      expect(failure).toEqual({ reason: 'rejected', status: 400, message: 'Token id 201088 is out of vocabulary' });
      expect(isContextOverflow(failure)).toBe(false);
    });

    it('is the engine’s failure when it does not serve the model', async () => {
      const replica = engine.replica({ tokenRoute: route, servedName: 'gpt-oss-120b' });
      const request = { replica, promptTokenIds: [200_006], sampling: GREEDY, requestId: 'req_test', cacheSalt: null };
      expect(failureOf(await runTokenStream(upstream.openTokenStream, request).end)).toEqual({
        reason: 'unavailable',
        status: 404,
        message: 'The model `gpt-oss-120b` does not exist. Valid aliases: gpt-oss-20b, openai/gpt-oss-20b.',
      });
    });
  });

  describe.each(ROUTES)('a constraint on %s', (route) => {
    const tagFor = (rule: Partial<OutputRule>): Partial<EngineSampling> => {
      const tag = structuralTag({ maxReasoningTokens: null, calls: [], answer: null, ...rule });
      return { structured_outputs: { structural_tag: JSON.stringify(tag) } };
    };

    it('holds from the first token to the last', async () => {
      const parameters = {
        type: 'object',
        properties: { location: { type: 'string' } },
        required: ['location'],
        additionalProperties: false,
      };
      const rule = { calls: [{ name: 'get_weather', schema: parameters }] };
      const running = open(route, questionPrompt('Say OK.'), tagFor(rule));
      expect(await running.end).toMatchObject({ kind: 'finished', finishReason: 'stop' });
      const call = readOutput(running.tokenIds()).at(-1);
      expect(call).toMatchObject({ recipient: 'functions.get_weather', contentType: 'json', how: 'call' });
      expect(Object.keys(JSON.parse(call?.text ?? '') as object)).toEqual(['location']);
    });

    it('that makes no sense is the fault of the request', async () => {
      const running = open(route, questionPrompt('Say OK.'), { structured_outputs: { structural_tag: '{' } });
      expect(failureOf(await running.end)).toMatchObject({ reason: 'rejected', status: 400 });
    });

    it('that cannot be compiled is an error of the engine, which lives on', async () => {
      const schema = { type: 'string', pattern: '^[a-z]{1,400}$' };
      const running = open(route, questionPrompt('Say OK.'), tagFor({ answer: { kind: 'json', schema } }));
      const message = 'Internal server error';
      expect(failureOf(await running.end)).toEqual({ reason: 'engine_error', status: 500, message });
      await generate(route, questionPrompt('Say OK.'));
    });
  });

  it('brings log probabilities in step with the ids', async () => {
    const running = open('generate', questionPrompt('Say OK.'), { logprobs: 2 });
    await running.end;
    expect(running.logprobs.map(({ token_id: id }) => id)).toEqual(running.tokenIds());
    for (const { token_id: id, logprob, top_logprobs: top } of running.logprobs) {
      expect(top).toHaveLength(2);
      expect(top?.[0]).toMatchObject({ token_id: id, logprob });
      expect(top?.[1]?.logprob).toBeLessThan(logprob);
    }
  });

  it('gives the same ids on both routes', async () => {
    const prompt = questionPrompt('Repeat after me: naïve 🙂 世界 river');
    const [one, other] = await Promise.all(ROUTES.map((route) => generate(route, prompt)));
    expect(one).toEqual(other);
  });

  describe('the tiny world', () => {
    it.each(WORLD_CASES)('$name', async (worldCase) => {
      const answer = await playWorldCase(worldCase, (prompt) => generate('generate', prompt));
      expect(answer.expected).toEqual(worldCase.expected);
      if (worldCase.reasoning !== undefined) expect(answer.reasoning).toBe(worldCase.reasoning);
    });
  });

  it('is cut when the engine is killed in the middle of it', async () => {
    const streams = ROUTES.map((route) =>
      open(route, questionPrompt('Tell me a long story.'), { ...ENDLESS, max_tokens: 3000 }),
    );
    await Promise.all(streams.map((running) => running.arrived(5)));
    await engine.kill();
    for (const { end } of streams) expect(failureOf(await end)).toMatchObject({ reason: 'cut', status: null });
    const late = open('generate', questionPrompt('Say OK.'));
    expect(failureOf(await late.end)).toMatchObject({ reason: 'unreachable', status: null });
  });
}
