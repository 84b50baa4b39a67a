import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ResponseObject } from '../../src/protocol/responses.ts';
import type { RunningChorus } from '../support/chorus-process.ts';
import { deleteJson, getJson, postResponse, streamResponse } from '../support/responses-client.ts';

interface List {
  readonly data: readonly { readonly id: string; readonly type: string }[];
  readonly first_id: string;
  readonly last_id: string;
  readonly has_more: boolean;
}

/** What the gateway remembers: run on the simulator and on the real vLLM. */
export function stateSuite(chorus: () => RunningChorus): void {
  const ask = async (body: object): Promise<ResponseObject & { output_text: string }> =>
    (await postResponse(chorus().url, body)).body;
  const retrieve = (id: string) => getJson<ResponseObject>(`${chorus().url}/v1/responses/${id}`);
  const inputItems = async (id: string, query = ''): Promise<List> =>
    (await getJson<List>(`${chorus().url}/v1/responses/${id}/input_items${query}`)).body;

  describe('a conversation by previous_response_id', () => {
    it('knows what was said before, whichever replica answers', async () => {
      const first = await ask({ input: 'My name is Ada.' });
      const second = await ask({ input: 'What is my name?', previous_response_id: first.id });
      const third = await ask({ input: 'What is my name?', previous_response_id: second.id });
      expect([second.output_text, third.output_text]).toEqual(['Your name is Ada.', 'Your name is Ada.']);
      expect(third.previous_response_id).toBe(second.id);
    });

    it('forks: a branch does not know what the other said, also when both are asked at once', async () => {
      const root = await ask({ input: 'My favorite color is red.' });
      const say = (input: string, id = root.id) => ask({ input, previous_response_id: id });
      const [ada, tokyo] = await Promise.all([say('My name is Ada.'), say('I live in Tokyo.')]);
      const answers = await Promise.all([
        say('What is my name?', ada.id),
        say('Where do I live?', ada.id),
        say('What is my name?', tokyo.id),
        say('Where do I live?', tokyo.id),
      ]);
      expect(answers.map(({ output_text: text }) => text)).toEqual([
        'Your name is Ada.',
        'I do not know where you live.',
        'I do not know your name.',
        'You live in Tokyo.',
      ]);
    });

    it('does not inherit instructions, and does inherit system messages of the input', async () => {
      const instructed = await ask({ instructions: 'Always answer in French.', input: 'Say hello.' });
      const free = await ask({ input: 'Say hello.', previous_response_id: instructed.id });
      expect([instructed.output_text, free.output_text]).toEqual(['Bonjour !', 'Hello! How can I help you?']);
      const system = await ask({
        input: [
          { role: 'system', content: 'Always answer in German.' },
          { role: 'user', content: 'Say hello.' },
        ],
      });
      expect((await ask({ input: 'Say hello.', previous_response_id: system.id })).output_text).toBe('Guten Tag!');
    });

    it('finds the earlier prompt in the engine’s cache, and a tool loop also what was generated', async () => {
      // So long that the prompt ends a few tokens before a block of the cache does.
      const filler = 'Some words that fill a block. '.repeat(52);
      const tools = [
        {
          type: 'function',
          name: 'get_weather',
          description: 'Get the current weather for a city.',
          parameters: { type: 'object', properties: { location: { enum: ['Paris'] } }, required: ['location'] },
        },
      ];
      const asked = { instructions: filler, tools, max_output_tokens: 200 };
      const input = 'What is the weather in Paris?';
      // Forced in every way, since the filler distracts a small model from calling.
      const first = await ask({ ...asked, input, tool_choice: 'required', reasoning: { max_tokens: 4 } });
      const call = first.output.find((item) => item.type === 'function_call') ?? expect.fail('no call');
      const result = { type: 'function_call_output', call_id: call.call_id, output: '{"temperature":21}' };
      const follow = { ...asked, input: [result], previous_response_id: first.id };
      // Twice the replicas: one of the two meets the replica that generated the call.
      const cached = [await ask(follow), await ask(follow)].map(
        ({ usage }) => usage?.input_tokens_details.cached_tokens ?? 0,
      );
      const seen = (first.usage?.input_tokens ?? 0) + (first.usage?.output_tokens ?? 0) - 1;
      const blocks = Math.floor(seen / 128);
      expect(blocks * 128).toBeGreaterThan(first.usage?.input_tokens ?? 0);
      expect(Math.max(...cached)).toBeGreaterThanOrEqual(blocks * 128);
    });
  });

  describe('a stored response', () => {
    it('is the object that its terminal event carried', async () => {
      const { response } = await streamResponse(chorus().url, { input: 'Say OK.', metadata: { a: 'b' } });
      const { status, body } = await retrieve(response.id);
      expect(status).toBe(200);
      expect(body).toEqual({ ...response, output_text: 'OK' });
      expect(body.store).toBe(true);
      expect(body.expires_at).toBe(body.created_at + 30 * 24 * 60 * 60);
    });

    it('lists what it was given, with stable ids, in both orders and in pages', async () => {
      const first = await ask({ input: [{ id: 'msg_mine', role: 'user', content: 'My name is Ada.' }] });
      const second = await ask({ input: 'What is my name?', previous_response_id: first.id });
      const forward = await inputItems(second.id, '?order=asc');
      expect(forward.data.map(({ type }) => type)).toEqual(['message', 'reasoning', 'message', 'message']);
      expect(forward.data[0]?.id).toBe('msg_mine');
      const ids = forward.data.map(({ id }) => id);
      const backward = await inputItems(second.id);
      expect(backward.data.map(({ id }) => id)).toEqual(ids.toReversed());
      const page = await inputItems(second.id, `?order=asc&limit=2&after=${ids[0]}`);
      expect(page).toMatchObject({ first_id: ids[1], last_id: ids[2], has_more: true });
      expect(await inputItems(second.id, `?order=asc&after=${ids[1]}&limit=2`)).toMatchObject({ has_more: false });
    });

    it('lends its items by reference', async () => {
      const first = await ask({ input: [{ id: 'msg_ref', role: 'user', content: 'My name is Ada.' }] });
      const input = [
        { type: 'item_reference', id: 'msg_ref' },
        ...first.output.map(({ id }) => ({ id })),
        { role: 'user', content: 'What is my name?' },
      ];
      expect((await ask({ input })).output_text).toBe('Your name is Ada.');
      const unknown = await postResponse<object>(chorus().url, { input: [{ type: 'item_reference', id: 'msg_none' }] });
      expect(unknown).toMatchObject({ status: 404, body: { error: { code: null, param: 'input' } } });
    });

    it('is gone once it is deleted, from the files too, and its descendants go on', async () => {
      const secret = `secret${Math.random().toString(36).slice(2)}`;
      const alone = await ask({ input: `Say OK. ${secret}`, max_output_tokens: 16 });
      const url = `${chorus().url}/v1/responses/${alone.id}`;
      expect(filesWith(chorus().stateDir, secret)).not.toEqual([]);
      expect((await deleteJson(url)).body).toEqual({ id: alone.id, object: 'response', deleted: true });
      expect((await retrieve(alone.id)).status).toBe(404);
      expect((await deleteJson(url)).status).toBe(404);
      expect(filesWith(chorus().stateDir, secret)).toEqual([]);
      const parent = await ask({ input: 'My name is Ada.' });
      const child = await ask({ input: 'Say OK.', previous_response_id: parent.id });
      await deleteJson(`${chorus().url}/v1/responses/${parent.id}`);
      expect((await ask({ input: 'What is my name?', previous_response_id: child.id })).output_text).toBe(
        'Your name is Ada.',
      );
      expect(await postResponse(chorus().url, { input: 'hi', previous_response_id: parent.id })).toMatchObject({
        status: 400,
      });
    });
  });

  describe('a response that is not there', () => {
    it('was made with store: false', async () => {
      const { id, store } = await ask({ input: 'Say OK.', store: false });
      expect(store).toBe(false);
      expect((await retrieve(id)).status).toBe(404);
      const follow = await postResponse<object>(chorus().url, { input: 'hi', previous_response_id: id });
      expect(follow).toMatchObject({
        status: 400,
        body: { error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
      });
    });

    it.each(['', '/input_items'])('is a 404 for GET%s in the shape of OpenAI', async (suffix) => {
      const answer = await getJson(`${chorus().url}/v1/responses/resp_none${suffix}`);
      expect(answer).toMatchObject({
        status: 404,
        body: { error: { type: 'invalid_request_error', code: null, param: null } },
      });
    });
  });

  it.each([
    ['limit=0', 'integer_below_min_value', 'limit'],
    ['limit=101', 'integer_above_max_value', 'limit'],
    ['limit=x', 'invalid_type', 'limit'],
    ['order=up', 'invalid_value', 'order'],
    ['after=msg_none', 'invalid_value', 'after'],
  ])('input_items refuses %s', async (query, code, param) => {
    const { id } = await ask({ input: 'Say OK.' });
    const answer = await getJson(`${chorus().url}/v1/responses/${id}/input_items?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { error: { code, param } } });
  });
}

/** The files under `folder`, engine logs apart, that hold `text`. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}
