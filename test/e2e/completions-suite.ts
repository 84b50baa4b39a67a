import { describe, expect, it } from 'vitest';
import { encodeAll, encodeText } from '../../src/harmony/encode.ts';
import { renderConversation } from '../../src/harmony/render.ts';
import { TOKENS } from '../../src/harmony/tokens.ts';
import type { Completion } from '../../src/protocol/completions.ts';
import type { Generation } from '../../src/protocol/generation.ts';
import type { RunningChorus } from '../support/chorus-process.ts';
import { post, postStream, type DataStream, type ErrorBody } from '../support/completions-client.ts';
import { vocabulary } from '../support/vocabulary.ts';

const COMPLETIONS = '/v1/completions';
const GENERATE = '/inference/v1/generate';

/** The prompt of a question with the thought that the model has at it, up to where the answer's text begins. */
function promptOf(question: string, thought: string): number[] {
  const conversation = renderConversation([
    { role: 'system', effort: 'medium', date: '2026-03-14', hasFunctionTools: false },
    { role: 'user', text: question },
    { role: 'assistant', channel: 'analysis', text: thought },
  ]);
  return encodeAll(vocabulary, [...conversation, TOKENS.channel, 'final', TOKENS.message]);
}
const ids = (text: string): number[] => encodeText(vocabulary, text);

const SUM = promptOf('What is 7 + 8?', 'Add 7 and 8.');
const ANSWER = '7 + 8 = 15.';

type Usage = Completion['usage'];
interface Said {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly string[];
  readonly offsets: readonly number[];
  readonly finishReason: string | null;
  readonly usage: Usage | null;
}

function said(choices: Completion['choices'], usage: Usage | null): Said {
  return {
    text: choices.map(({ text }) => text).join(''),
    tokenIds: choices.flatMap(({ token_ids: tokenIds }) => tokenIds ?? []),
    logprobs: choices.flatMap(({ logprobs }) => logprobs?.tokens ?? []),
    offsets: choices.flatMap(({ logprobs }) => logprobs?.text_offset ?? []),
    finishReason: choices.at(-1)?.finish_reason ?? null,
    usage,
  };
}

/** Raw text and raw tokens, whole and streamed: run on the simulator and on the real vLLM. */
export function completionsSuite(chorus: () => RunningChorus): void {
  const asJson = async (body: object): Promise<Said> => {
    const answer = await post<Completion>(chorus().url, COMPLETIONS, { temperature: 0, ...body });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    expect(answer.body).toMatchObject({ id: expect.stringMatching(/^cmpl-/) as never, object: 'text_completion' });
    return said(answer.body.choices, answer.body.usage);
  };
  const asStream = async (body: object): Promise<Said> => {
    const asked = { temperature: 0, stream_options: { include_usage: true }, ...body };
    const { chunks, done } = await postStream<Completion>(chorus().url, COMPLETIONS, asked);
    expect([done, chunks.at(-1)?.choices]).toEqual([true, []]);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(choices.slice(0, -1).every(({ finish_reason: reason }) => reason === null)).toBe(true);
    return said(choices, chunks.at(-1)?.usage ?? null);
  };

  describe.each([
    ['as JSON', asJson],
    ['as a stream', asStream],
  ] as const)('a completion %s', (_way, ask) => {
    it('goes on with token ids, alone or in a list', async () => {
      for (const prompt of [SUM, [SUM]]) {
        const { text, finishReason, usage } = await ask({ prompt });
        expect([text, finishReason]).toEqual([ANSWER, 'stop']);
        expect(usage).toMatchObject({ prompt_tokens: SUM.length, completion_tokens: ids(ANSWER).length + 1 });
      }
    });

    it('goes on with a text, whatever it spells, for 16 tokens or as many as are asked for', async () => {
      const text = 'Once upon a time <|end|>';
      const short = await ask({ prompt: text, ignore_eos: true });
      expect(short.usage?.prompt_tokens).toBe(ids(text).length);
      expect(short.usage?.completion_tokens).toBeLessThanOrEqual(16);
      expect((await ask({ prompt: [text], max_tokens: 3 })).usage?.completion_tokens).toBeLessThanOrEqual(3);
    });

    it('ends by length, and before a stop string', async () => {
      const count = promptOf('Count to 10.', 'Count to 10.');
      const cut = await ask({ prompt: count, max_tokens: 4 });
      expect([cut.finishReason, cut.usage?.completion_tokens]).toEqual(['length', 4]);
      const stopped = await ask({ prompt: count, max_tokens: 50, stop: [', 7'] });
      expect([stopped.text, stopped.finishReason]).toEqual(['1, 2, 3, 4, 5, 6', 'stop']);
    });

    it('keeps characters whole', async () => {
      const prompt = promptOf('Repeat after me: naïve 🙂 世界 river', 'Repeat the words.');
      expect((await ask({ prompt, max_tokens: 50 })).text).toBe('You said: naïve 🙂 世界 river');
    });

    it('has the prompt before it where echo asks for it', async () => {
      const prompt = SUM.slice(-1).concat(ids('7 + 8 ='));
      expect((await ask({ prompt, echo: true, max_tokens: 1 })).text).toMatch(/^7 \+ 8 =/);
    });

    it('tells ids and log probabilities', async () => {
      const told = await ask({ prompt: SUM, logprobs: 2, return_token_ids: true });
      expect(told.tokenIds).toEqual([...ids(ANSWER), TOKENS.return]);
      expect(told.logprobs.join('')).toBe(ANSWER);
      expect(told.offsets).toEqual(told.logprobs.map((_, at) => told.logprobs.slice(0, at).join('').length));
    });
  });

  describe('a completion that cannot be made', () => {
    it.each<[string, object, number, string, string | null]>([
      ['no prompt', {}, 400, 'missing_required_parameter', 'prompt'],
      ['an empty text', { prompt: '' }, 400, 'invalid_value', 'prompt'],
      ['an empty list', { prompt: [] }, 400, 'invalid_value', 'prompt'],
      ['several prompts', { prompt: ['a', 'b'] }, 400, 'unsupported_parameter', 'prompt'],
      ['a token that does not exist', { prompt: [1, 201_088] }, 400, 'invalid_value', 'prompt[1]'],
      ['a token that is none', { prompt: [[1, 'a']] }, 400, 'invalid_value', 'prompt[0][1]'],
      ['an unknown model', { model: 'x', prompt: 'a' }, 404, 'model_not_found', 'model'],
      ['several answers', { prompt: 'a', n: 2 }, 400, 'unsupported_parameter', 'n'],
      ['the best of several', { prompt: 'a', best_of: 2 }, 400, 'unsupported_parameter', 'best_of'],
      ['a suffix', { prompt: 'a', suffix: 'b' }, 400, 'unsupported_parameter', 'suffix'],
      [
        'a format',
        { prompt: 'a', response_format: { type: 'json_object' } },
        400,
        'unsupported_parameter',
        'response_format',
      ],
      [
        'spelled control tokens',
        { prompt: 'a', skip_special_tokens: false },
        400,
        'unsupported_parameter',
        'skip_special_tokens',
      ],
      ['echoed log probabilities', { prompt: 'a', echo: true, logprobs: 1 }, 400, 'unsupported_parameter', 'echo'],
      ['no tokens', { prompt: 'a', max_tokens: 0 }, 400, 'integer_below_min_value', 'max_tokens'],
      ['an endless text', { prompt: 'word '.repeat(140_000) }, 400, 'context_length_exceeded', 'prompt'],
    ])('is refused for %s, by the name of the field', async (...row) => {
      const [, body, status, code, param] = row;
      const answer = await post<ErrorBody>(chorus().url, COMPLETIONS, body);
      expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param]);
    });
  });

  describe('token ids in, token ids out', () => {
    const params = { temperature: 0, max_tokens: 50 };
    const tokens = [...ids(ANSWER), TOKENS.return];
    const generate = async (body: object): Promise<Generation> =>
      (await post<Generation>(chorus().url, GENERATE, body)).body;

    it('has the answer as vLLM has it', async () => {
      const body = { token_ids: SUM, sampling_params: params, cache_salt: 'theirs', request_id: 'theirs' };
      expect(await generate(body)).toMatchObject({
        request_id: expect.stringMatching(/^gen-/) as never,
        output_mode: 'tokens',
        choices: [{ index: 0, finish_reason: 'stop', stop_reason: null, token_ids: tokens, logprobs: null }],
        usage: { prompt_tokens: SUM.length, completion_tokens: tokens.length },
      });
    });

    it('streams it frame by frame', async () => {
      const body = { token_ids: SUM, sampling_params: params, stream_options: { include_usage: true } };
      const { chunks, done }: DataStream<Generation> = await postStream(chorus().url, GENERATE, body);
      const choices = chunks.flatMap((chunk) => chunk.choices);
      expect(choices.flatMap(({ token_ids: some }) => some)).toEqual(tokens);
      expect(choices.at(-1)).toMatchObject({ finish_reason: 'stop' });
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: tokens.length } });
      expect(done).toBe(true);
    });

    it('ends at length, at a token of the request, and with the token that completes a stop string', async () => {
      const [first = 0, second = 0] = tokens;
      const ended = async (more: object) =>
        (await generate({ token_ids: SUM, sampling_params: { ...params, ...more } })).choices[0];
      expect(await ended({ max_tokens: 1 })).toMatchObject({ token_ids: [first], finish_reason: 'length' });
      const atToken = { token_ids: [first, second], finish_reason: 'stop', stop_reason: second };
      expect(await ended({ stop_token_ids: [second] })).toMatchObject(atToken);
      expect(await ended({ stop: '8 =' })).toMatchObject({ token_ids: ids('7 + 8 ='), finish_reason: 'stop' });
    });

    it('tells log probabilities by id', async () => {
      const { choices } = await generate({ token_ids: SUM, sampling_params: { ...params, logprobs: 1 } });
      expect(choices[0].logprobs?.content.map(({ token_id: id }) => id)).toEqual(tokens);
    });

    it.each<[string, object, number, string | null, string | null]>([
      ['no sampling_params', { token_ids: [1] }, 400, 'missing_required_parameter', 'sampling_params'],
      ['no ids', { token_ids: [], sampling_params: {} }, 400, 'invalid_value', 'token_ids'],
      [
        'an id that does not exist',
        { token_ids: [201_088], sampling_params: {} },
        400,
        'integer_above_max_value',
        'token_ids[0]',
      ],
      [
        'several answers',
        { token_ids: [1], sampling_params: { n: 2 } },
        400,
        'unsupported_parameter',
        'sampling_params.n',
      ],
      [
        'an empty stop string',
        { token_ids: [1], sampling_params: { stop: [''] } },
        400,
        'invalid_value',
        'sampling_params.stop',
      ],
      ['an unknown model', { model: 'x', token_ids: [1], sampling_params: {} }, 404, 'model_not_found', 'model'],
      ['features', { features: {}, token_ids: [1], sampling_params: {} }, 400, 'unsupported_parameter', 'features'],
      [
        'too many ids',
        { token_ids: Array.from({ length: 140_000 }, () => 1), sampling_params: {} },
        400,
        'context_length_exceeded',
        'token_ids',
      ],
    ])('is refused for %s', async (...row) => {
      const [, body, status, code, param] = row;
      const answer = await post<ErrorBody>(chorus().url, GENERATE, body);
      expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param]);
    });

    it('serves the only model where none is named', async () => {
      const { model } = await generate({ model: null, token_ids: SUM, sampling_params: { max_tokens: 1 } });
      expect(model).toBe('gpt-oss-20b');
    });
  });
}
