import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSampling } from '../../src/protocol/generate.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createUpstream } from '../../src/upstream/upstream.ts';
import { questionPrompt } from '../support/converse.ts';
import { startSimulator, type EngineProcess } from '../support/engine-process.ts';
import { runTokenStream, type RunningTokenStream } from '../support/run-token-stream.ts';
import { SAMPLING } from '../support/scripted-streams.ts';

const GENERATE = '/inference/v1/generate';
const STORY = questionPrompt('Tell me a long story.');
const upstream = createUpstream({ clock: systemClock, stallTimeoutMs: 20_000 });
let engine: EngineProcess;

beforeAll(async () => {
  engine = startSimulator();
  await engine.ready;
});
afterAll(async () => {
  await upstream.close();
  await engine.kill();
});

function open(sampling: Partial<EngineSampling> = {}): RunningTokenStream {
  const request = {
    promptTokenIds: STORY,
    sampling: { ...SAMPLING, max_tokens: 600, ...sampling },
    requestId: 'req_1',
    cacheSalt: null,
  };
  return runTokenStream(upstream.openTokenStream, { replica: engine.replica(), ...request });
}

describe('the server', () => {
  it('answers 403 to the scale-out routes without the flag, and still completes', async () => {
    const plain = startSimulator({ onlyFlags: ['--served-model-name', 'gpt-oss-20b'] });
    await plain.ready;
    const message = 'Scale-out endpoints are disabled. Restart vllm serve with --enable-scale-out to enable them.';
    for (const path of [GENERATE, '/inference/v1/abort_requests']) {
      const { status, text } = await plain.ask(path, {});
      expect(status).toBe(403);
      expect(JSON.parse(text)).toEqual({ error: { message, type: 'PermissionDeniedError', param: null, code: 403 } });
    }
    const body = { prompt: [200006], max_tokens: 3, return_token_ids: true };
    const answer = JSON.parse((await plain.ask('/v1/completions', body)).text) as object;
    expect(answer).toMatchObject({
      object: 'text_completion',
      choices: [
        { text: 'analysis', finish_reason: 'length', token_ids: [200005, 35644, 200008], prompt_token_ids: [200006] },
      ],
      usage: { prompt_tokens: 1, total_tokens: 4, completion_tokens: 3 },
    });
    await plain.kill();
  });

  it('sends chunks that look like vLLM’s', async () => {
    const sampling = { temperature: 0, max_tokens: 2 };
    const stream = { stream: true, stream_options: { include_usage: true } };
    const generated = await engine.ask(GENERATE, {
      token_ids: [200006],
      sampling_params: sampling,
      request_id: 'r',
      ...stream,
    });
    expect(generated.text).toBe(
      [
        '{"request_id":"generate-tokens-r","usage":null,"output_mode":"tokens","choices":[{"index":0,"finish_reason":null,"stop_reason":null,"token_ids":[200005],"routed_experts":null,"sampling_mask":null,"weight_versions":null,"logprobs":null}]}',
        '{"request_id":"generate-tokens-r","usage":null,"output_mode":"tokens","choices":[{"index":0,"finish_reason":"length","stop_reason":null,"token_ids":[35644],"routed_experts":null,"sampling_mask":null,"weight_versions":null,"logprobs":null}]}',
        '{"request_id":"generate-tokens-r","usage":{"prompt_tokens":1,"total_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0}},"output_mode":"tokens","choices":[]}',
        '[DONE]',
      ]
        .map((data) => `data: ${data}\n\n`)
        .join(''),
    );
    const completed = await engine.ask('/v1/completions', {
      prompt: [200006],
      request_id: 'r',
      return_token_ids: true,
      ...sampling,
      ...stream,
    });
    const frames = completed.text
      .split('\n\n')
      .slice(0, 3)
      .map((frame) => JSON.parse(frame.slice('data: '.length)) as object);
    const head = { id: 'cmpl-r', object: 'text_completion', model: 'gpt-oss-20b' };
    expect(frames).toMatchObject([
      { ...head, choices: [{ text: '', token_ids: [200005], prompt_token_ids: [200006], finish_reason: null }] },
      { ...head, choices: [{ text: 'analysis', token_ids: [35644], prompt_token_ids: null, finish_reason: 'length' }] },
      { ...head, choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } },
    ]);
  });

  it('gathers the tokens of a stream to the interval that it is asked for', async () => {
    const sizes = async (stream_interval: number | null, max_tokens = 20): Promise<number[]> => {
      const sampling_params = { max_tokens, stream_interval };
      const { text } = await engine.ask(GENERATE, { token_ids: STORY, sampling_params, stream: true });
      return [...text.matchAll(/"token_ids":\[(.*?)\]/g)].map(([, ids = '']) => ids.split(',').length);
    };
    expect(await sizes(4)).toEqual([1, 4, 4, 4, 4, 3]);
    expect(await sizes(4, 21)).toEqual([1, 4, 4, 4, 4, 4]);
    expect(await sizes(100)).toEqual([1, 19]);
    expect(await sizes(null, 3)).toEqual([1, 1, 1]);
  });

  it('names the id of a stop token other than the tokenizer’s own', async () => {
    const stopAt = async (stop_token_ids: number[]): Promise<unknown> => {
      const body = { token_ids: questionPrompt('Say OK.'), sampling_params: { stop_token_ids } };
      return (JSON.parse((await engine.ask(GENERATE, body)).text) as { choices: unknown[] }).choices[0];
    };
    expect(await stopAt([])).toMatchObject({ finish_reason: 'stop', stop_reason: null });
    expect(await stopAt([200007])).toMatchObject({ finish_reason: 'stop', stop_reason: 200007 });
  });

  it.each([
    ['/v1/completions', '{bad', 400, /JSON decode error/],
    ['/v1/completions', {}, 400, /^Either prompt or prompt_embeds must be provided/],
    ['/v1/completions', { prompt: [] }, 400, /^You must pass at least one prompt$/],
    [
      '/v1/completions',
      { prompt: [1], max_tokens: 5000 },
      400,
      /^max_tokens=5000 cannot be greater than max_model_len=4096\./,
    ],
    [GENERATE, {}, 400, /'missing', 'loc': 'body.token_ids'[^]*'body.sampling_params'/],
    [GENERATE, { token_ids: [], sampling_params: {} }, 400, /too_short/],
    [GENERATE, { token_ids: [1, -1], sampling_params: {} }, 400, /body\.token_ids\.1/],
    [GENERATE, { token_ids: [1], sampling_params: { max_tokens: 0 } }, 400, /^max_tokens must be at least 1, got 0\./],
    [
      GENERATE,
      { token_ids: [1], sampling_params: { temperature: 3 } },
      400,
      /^temperature must be in \[0, 2\], got 3\.0\./,
    ],
    [GENERATE, { token_ids: [1], sampling_params: { top_p: 0 } }, 400, /^top_p must be in \(0, 1\], got 0\.0\./],
    [
      GENERATE,
      { token_ids: [1], sampling_params: { stream_interval: 0 } },
      400,
      /^stream_interval must be at least 1, got 0\./,
    ],
    [GENERATE, { token_ids: [1], sampling_params: {}, model: 'x' }, 404, /^The model `x` does not exist\./],
    ['/inference/v1/abort_requests', {}, 400, /^Missing 'request_ids' in request body$/],
  ])('%s refuses %j', async (path, body, status, message) => {
    const answer = await engine.ask(path, body);
    expect(answer.status).toBe(status);
    const { error } = JSON.parse(answer.text) as { error: { message: string; code: number } };
    expect(error.code).toBe(status);
    expect(error.message).toMatch(message);
  });

  it('answers 404 and 405 as FastAPI does', async () => {
    expect(await engine.ask('/nope')).toEqual({ status: 404, text: '{"detail":"Not Found"}' });
    expect(await engine.ask(GENERATE)).toEqual({ status: 405, text: '{"detail":"Method Not Allowed"}' });
  });

  it('ends a generation by its engine id', async () => {
    const running = open();
    await running.arrived(3);
    expect(await engine.ask('/inference/v1/abort_requests', { request_ids: ['req_1'] })).toEqual({
      status: 200,
      text: '',
    });
    await running.arrived(running.tokenIds().length + 3);
    await engine.ask('/inference/v1/abort_requests', { request_ids: ['generate-tokens-req_1'] });
    expect(await running.end).toMatchObject({
      failure: { reason: 'engine_error', message: /finish reason abort/ as never },
    });
  });

  it('counts tokens and finished requests', async () => {
    const names = ['generation_tokens_total', 'prompt_tokens_total', 'num_requests_running'];
    const counts = (): Promise<number[]> => Promise.all(names.map((name) => engine.metric(name)));
    const [generated = 0, prompted = 0] = await counts();
    await open({ max_tokens: 7 }).end;
    await open({ max_tokens: 7 }).end;
    expect(await counts()).toEqual([generated + 14, prompted + 2 * STORY.length, 0]);
    expect((await engine.ask('/metrics')).text).toMatch(
      /^vllm:request_success_total\{engine="0",model_name="gpt-oss-20b",finished_reason="length"\} \d+\.0$/m,
    );
  });
});
