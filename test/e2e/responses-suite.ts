import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';
import { engineCounters } from '../support/engine-metrics.ts';
import { eventOrderProblems } from '../support/event-order.ts';
import { answerText, deltaText, getJson, postResponse, streamResponse } from '../support/responses-client.ts';

/** What a client may rely on, whichever engine answers: run on the simulator and on the real vLLM. */
export function responsesSuite(chorus: () => RunningChorus): void {
  describe('a streamed response', () => {
    it('answers in the exact order of events, with text and reasoning', async () => {
      const { events, response, done, headers } = await streamResponse(chorus().url, { input: 'What is 7 + 8?' });
      expect(eventOrderProblems(events)).toEqual([]);
      expect(events.at(-1)?.type).toBe('response.completed');
      expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
      expect(answerText(response)).toBe('7 + 8 = 15.');
      expect(deltaText(events, 'response.output_text.delta')).toBe('7 + 8 = 15.');
      expect(deltaText(events, 'response.reasoning_text.delta')).toBe('Add 7 and 8.');
      expect(done).toBe(true);
      expect(headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'x-request-id': /^req_/ as never,
      });
    });

    it('never breaks a character', async () => {
      const { events, response } = await streamResponse(chorus().url, {
        input: 'Repeat after me: naïve 🙂 世界 river',
      });
      expect(answerText(response)).toBe('You said: naïve 🙂 世界 river');
      expect(deltaText(events, 'response.output_text.delta')).toBe('You said: naïve 🙂 世界 river');
    });

    it('comes as it is generated, not at the end', async () => {
      const { events, response } = await streamResponse(chorus().url, { input: 'Count to 100.' });
      expect(answerText(response)).toMatch(/^1, 2, 3, .* 99, 100\.$/);
      expect(events.filter(({ type }) => type === 'response.output_text.delta').length).toBeGreaterThan(50);
    });

    it('can be asked for in the query', async () => {
      const answer = await request(`${chorus().url}/api/v1/responses?stream=true`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'openai/gpt-oss-20b', temperature: 0, input: 'Say OK.' }),
      });
      expect(await answer.body.text()).toMatch(
        /^event: response\.created\n[\s\S]*event: response\.completed\n[\s\S]*data: \[DONE\]\n\n$/,
      );
    });
  });

  describe('a JSON response', () => {
    it('carries the same object as a stream, and output_text', async () => {
      const { status, body } = await postResponse(chorus().url, {
        input: 'What is 7 + 8?',
        metadata: { a: 'b' },
        user: 'u',
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        object: 'response',
        status: 'completed',
        model: 'gpt-oss-20b',
        output_text: '7 + 8 = 15.',
        metadata: { a: 'b' },
        user: 'u',
        store: true,
        error: null,
        incomplete_details: null,
      });
      const {
        output_tokens: outputTokens,
        total_tokens: totalTokens,
        input_tokens: inputTokens,
      } = body.usage ?? expect.fail('no usage');
      expect(totalTokens).toBe(inputTokens + outputTokens);
      expect(body.usage?.output_tokens_details.reasoning_tokens).toBe(7);
    });

    it('is incomplete when max_output_tokens ends it', async () => {
      const { body } = await postResponse(chorus().url, { input: 'Count to 100.', max_output_tokens: 30 });
      expect(body).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        completed_at: null,
      });
      expect(body.usage?.output_tokens).toBe(30);
      expect(body.output.at(-1)).toMatchObject({ type: 'message', status: 'incomplete' });
    });

    it('thinks as long as it is asked to', async () => {
      const reasoningTokens = async (effort: string): Promise<number> => {
        const { body } = await postResponse(chorus().url, { input: 'Why is the sky blue?', reasoning: { effort } });
        expect(body.output_text).toBe('Because air scatters blue light.');
        return body.usage?.output_tokens_details.reasoning_tokens ?? 0;
      };
      const [low, high] = [await reasoningTokens('low'), await reasoningTokens('high')];
      expect(low).toBeLessThan(10);
      expect(high).toBeGreaterThan(60);
    });

    it('follows instructions, as a field and as a system message', async () => {
      const asField = await postResponse(chorus().url, {
        instructions: 'Always answer in French.',
        input: 'Say hello.',
      });
      const asItem = await postResponse(chorus().url, {
        input: [
          { role: 'system', content: 'Always answer in German.' },
          { role: 'user', content: 'Say hello.' },
        ],
      });
      expect([asField.body.output_text, asItem.body.output_text]).toEqual(['Bonjour !', 'Guten Tag!']);
    });

    it('knows what the conversation it was sent says', async () => {
      const input = [
        { role: 'user', content: 'My name is Ada.' },
        { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'The name is Ada.' }] },
        { role: 'assistant', content: [{ type: 'output_text', text: 'Hello Ada!' }] },
        { role: 'user', content: 'What is my name?' },
      ];
      expect((await postResponse(chorus().url, { input })).body.output_text).toBe('Your name is Ada.');
      expect((await postResponse(chorus().url, { input: 'What is my name?' })).body.output_text).toBe(
        'I do not know your name.',
      );
    });

    it('counts a prompt that it has seen before as cached', async () => {
      const input = `Say OK. ${'Some words to fill more than a block. '.repeat(30)}`;
      const usages = [];
      // Twice the number of replicas: the second round meets every replica with the prompt in its cache.
      for (let turn = 0; turn < 4; turn++)
        usages.push((await postResponse(chorus().url, { input, max_output_tokens: 16 })).body.usage);
      const { input_tokens: inputTokens, input_tokens_details: details } = usages.at(-1) ?? expect.fail('no usage');
      expect(details.cached_tokens).toBe(Math.floor((inputTokens - 1) / 128) * 128);
    });
  });

  describe('usage', () => {
    it('equals what the engines count, for input, cached and output, in 20 of 20 requests', async () => {
      const questions = [
        'What is 7 + 8?',
        'Say OK.',
        'Count to 10.',
        'Why is the sky blue?',
        `Say OK. ${'So many words. '.repeat(60)}`,
      ];
      for (let asked = 0; asked < 20; asked++) {
        const before = await engineCounters(await chorus().status());
        const body = { input: questions[asked % questions.length], max_output_tokens: asked % 2 === 0 ? 16 : 200 };
        const { usage } =
          asked % 3 === 0
            ? (await streamResponse(chorus().url, body)).response
            : (await postResponse(chorus().url, body)).body;
        const after = await eventually('the engine’s counts', 5000, async () => {
          const counts = await engineCounters(await chorus().status());
          return counts.running === 0 && counts.generationTokens > before.generationTokens ? counts : null;
        });
        expect([usage?.input_tokens, usage?.input_tokens_details.cached_tokens, usage?.output_tokens]).toEqual([
          after.promptTokens - before.promptTokens,
          after.cachedTokens - before.cachedTokens,
          after.generationTokens - before.generationTokens,
        ]);
      }
    });
  });

  describe('a client that leaves', () => {
    it('ends the generation in the engine', async () => {
      const client = new AbortController();
      const answer = await request(`${chorus().url}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-oss-20b', temperature: 0, stream: true, input: 'Tell me a long story.' }),
        signal: client.signal,
      });
      const reader = answer.body[Symbol.asyncIterator]();
      let received = '';
      while (!received.includes('output_text.delta')) received += String((await reader.next()).value);
      client.abort();
      await reader.next().catch(() => undefined);
      const generated = (await engineCounters(await chorus().status())).generationTokens;
      const counts = await eventually('the end of every request in flight', 5000, async () => {
        const report = await chorus().status();
        const now = await engineCounters(report);
        return now.running === 0 && report.engines.every(({ inFlight }) => inFlight === 0) ? now : null;
      });
      expect(counts.generationTokens - generated).toBeLessThan(60);
    });
  });

  describe('a request that cannot be served', () => {
    const rows: readonly (readonly [
      title: string,
      body: object | string,
      status: number,
      code: string | null,
      param: string | null,
    ])[] = [
      ['a body that is no JSON', '{"model":', 400, null, null],
      ['an empty body', '', 400, null, null],
      ['a body that is no object', '[]', 400, 'invalid_type', null],
      ['a missing model', '{"input":"hi"}', 400, 'missing_required_parameter', 'model'],
      ['an unknown model', { model: 'gpt-5', input: 'hi' }, 400, 'model_not_found', 'model'],
      ['a missing input', {}, 400, 'missing_required_parameter', 'input'],
      ['a wrong type', { input: 'hi', temperature: 'hot' }, 400, 'invalid_type', 'temperature'],
      ['a temperature above 2', { input: 'hi', temperature: 3 }, 400, 'decimal_above_max_value', 'temperature'],
      [
        'too few output tokens',
        { input: 'hi', max_output_tokens: 15 },
        400,
        'integer_below_min_value',
        'max_output_tokens',
      ],
      [
        'a thinking budget below 0',
        { input: 'hi', reasoning: { max_tokens: -1 } },
        400,
        'integer_below_min_value',
        'reasoning.max_tokens',
      ],
      ['a seed beyond 64 bits', { input: 'hi', seed: 1e300 }, 400, 'integer_above_max_value', 'seed'],
      ['an unknown effort', { input: 'hi', reasoning: { effort: 'heroic' } }, 400, 'invalid_value', 'reasoning.effort'],
      ['an unknown item', { input: [{ type: 'nonsense' }] }, 400, 'invalid_value', 'input[0].type'],
      [
        'an unknown previous response',
        { input: 'hi', previous_response_id: 'resp_x' },
        400,
        'previous_response_not_found',
        'previous_response_id',
      ],
      ['an input longer than the context', { input: 'word '.repeat(140_000) }, 400, 'context_length_exceeded', 'input'],
      [
        'more items than any context holds',
        { input: Array(32_769).fill('hi') },
        400,
        'array_above_max_length',
        'input',
      ],
      ['a body over 32 MiB', { input: 'x'.repeat(33 * 1024 * 1024) }, 413, null, null],
    ];
    it.each(rows)('answers %s in the shape of OpenAI, naming the field', async (...row) => {
      const [, body, status, code, param] = row;
      const answer = await postResponse<{ error: { message: string; type: string } }>(chorus().url, body);
      expect(answer.body).toEqual({
        error: { message: expect.any(String) as never, type: 'invalid_request_error', code, param },
      });
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({ 'x-request-id': expect.stringMatching(/^req_/) as never });
    });

    it('ends a stream whose input is too long with an error event and response.failed', async () => {
      const { events, response } = await streamResponse(chorus().url, { input: 'word '.repeat(140_000) });
      expect(events.map(({ type }) => type)).toEqual([
        'response.created',
        'response.in_progress',
        'error',
        'response.failed',
      ]);
      expect(response).toMatchObject({ status: 'failed', error: { code: 'context_length_exceeded' } });
    });

    it('tells why the other model is not served', async () => {
      const { status, body } = await postResponse<{ error: { message: string } }>(chorus().url, {
        model: 'gpt-oss-120b',
        input: 'hi',
      });
      expect(status).toBe(503);
      expect(body.error.message).toContain('gpt-oss-120b');
    });

    it('is refused when a web page of another origin sends it', async () => {
      const answer = await postResponse<unknown>(chorus().url, { input: 'hi' }, { origin: 'https://evil.example' });
      expect(answer.status).toBe(403);
    });
  });

  describe('the models', () => {
    it('are always the two, each with state and reason', async () => {
      const { body } = await getJson<{ data: { id: string; state: string; reason: string }[] }>(
        `${chorus().url}/v1/models`,
      );
      expect(body.data.map(({ id, state }) => [id, state])).toEqual([
        ['gpt-oss-20b', 'ready'],
        ['gpt-oss-120b', 'not_served'],
      ]);
      expect(body.data.every(({ reason }) => reason.length > 10)).toBe(true);
    });

    it('answer under their alias, and an unknown one is a 404', async () => {
      expect((await getJson<{ id: string }>(`${chorus().url}/api/v1/models/openai/gpt-oss-20b`)).body.id).toBe(
        'gpt-oss-20b',
      );
      expect((await getJson(`${chorus().url}/v1/models/nope`)).status).toBe(404);
    });
  });
}
