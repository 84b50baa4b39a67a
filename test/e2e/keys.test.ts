import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import type { KeyListing } from '../../src/access/named-keys.ts';
import { eventually } from '../support/eventually.ts';
import { KeyedChorus, PATIENCE_MS, type Answer } from '../support/keyed-chorus.ts';

const chorus = new KeyedChorus();

describe('keys of a running server', { timeout: PATIENCE_MS }, () => {
  it('work as soon as they are made, and no longer than until they are revoked', async () => {
    await chorus.serve();
    expect((await chorus.create('EMPTY')).status).toBe(200);
    const made = await chorus.keys('create', 'ci', '--project', 'team');
    expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sk-chorus-[\w-]{32}$/) });
    const key = made.stdout;
    expect([(await chorus.create(key)).status, (await chorus.create('EMPTY')).status]).toEqual([200, 401]);
    // The command finds the admin key that came with the first key.
    expect(await chorus.keys('list')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/key_\w+ +ci +team /),
    });
    expect((await chorus.keys('create', 'ci')).exitCode).toBe(64);
    expect(await chorus.keys('revoke', 'ci')).toMatchObject({ exitCode: 0 });
    const { status, body } = await chorus.create(key);
    expect([status, body.error?.code]).toEqual([401, 'invalid_api_key']);
    expect(body).toEqual((await chorus.create('sk-never-made')).body);
    expect(await chorus.keys('revoke', 'ci')).toMatchObject({
      exitCode: 64,
      stderr: "chorus: There is no key 'ci'. `chorus keys list` shows them all.",
    });
  });

  it('are made, listed and revoked over HTTP with the admin key, and with no other', async () => {
    const { key } = await chorus.makeKey('before', '--project', 'a');
    await chorus.serve();
    for (const [method, path, body] of [
      ['GET', '/admin/keys', undefined],
      ['POST', '/admin/keys', { name: 'mine' }],
      ['DELETE', '/admin/keys/before', undefined],
      ['GET', '/admin/status', undefined],
    ] as const) {
      expect((await chorus.ask(key, method, path, body)).status).toBe(403);
    }
    const wrong = await chorus.ask(chorus.adminKey(), 'POST', '/admin/keys', {
      name: 'x',
      limits: { requestsPerMinut: 1 },
    });
    expect(wrong.status).toBe(400);
    const { status, body } = await chorus.ask(chorus.adminKey(), 'POST', '/admin/keys', {
      name: 'mine',
      project: null,
    });
    expect([status, body]).toEqual([201, expect.objectContaining({ name: 'mine', project: 'default' })]);
    const listed = await chorus.ask(chorus.adminKey(), 'GET', '/admin/keys');
    expect((listed.body as KeyListing).keys.map(({ name }) => name)).toEqual(['before', 'mine']);
    expect(JSON.stringify(listed.body)).not.toMatch(/sk-chorus|hash/);
    expect((await chorus.ask(chorus.adminKey(), 'DELETE', '/admin/keys/before')).status).toBe(200);
    expect((await chorus.ask(key, 'GET', '/v1/models')).status).toBe(401);
    expect((await chorus.create(chorus.adminKey())).status).toBe(403);
  });

  it('hold their limits, say so on every answer, and the tokens of a turn are charged', async () => {
    await chorus.serve();
    const { key } = await chorus.makeKey('small', '--requests-per-minute', '3', '--tokens-per-minute', '1000000');
    const { key: thirsty } = await chorus.makeKey('thirsty', '--tokens-per-minute', '10');
    const first = await chorus.create(key);
    expect([first.status, first.headers]).toEqual([
      200,
      expect.objectContaining({
        'x-ratelimit-limit-requests': '3',
        'x-ratelimit-limit-tokens': '1000000',
        'x-ratelimit-remaining-requests': '2',
        'x-ratelimit-remaining-tokens': '1000000',
        'x-ratelimit-reset-tokens': '0s',
      }),
    ]);
    const { usage } = first.body as unknown as { usage: { total_tokens: number } };
    const seen = await chorus.ask(key, 'GET', '/v1/models');
    expect(seen.headers['x-ratelimit-remaining-tokens']).toBe(String(1_000_000 - usage.total_tokens));
    expect([(await chorus.create(key)).status, (await chorus.create(key)).status]).toEqual([200, 200]);
    const refused = await chorus.create(key);
    expect([refused.status, refused.body.error]).toEqual([
      429,
      expect.objectContaining({
        code: 'rate_limit_exceeded',
        message: expect.stringMatching(/try again in [\d.]+m?s/),
      }),
    ]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await chorus.create(thirsty)).status).toBe(200);
    expect((await chorus.create(thirsty)).body.error?.message).toContain('tokens a minute: 10');
    await holdOneAtOnce();
  });

  /** A stream counts until it has ended or its client has left. */
  async function holdOneAtOnce(): Promise<void> {
    const { key } = await chorus.makeKey('one', '--concurrent', '1');
    const leave = new AbortController();
    const stream = await request(`${chorus.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-oss-20b', stream: true, temperature: 0, input: 'Count to 100.' }),
      signal: leave.signal,
    });
    expect([stream.statusCode, stream.headers['x-ratelimit-limit-requests']]).toEqual([200, '1000000000']);
    expect((await chorus.create(key)).status).toBe(429);
    stream.body.on('error', () => {});
    leave.abort();
    await eventually('a place', 20_000, async () => ((await chorus.create(key)).status === 200 ? true : null));
  }
});

describe('limits of the settings', { timeout: PATIENCE_MS }, () => {
  it('hold for projects without their own, for every API that generates, and follow a reload', async () => {
    const config = join(chorus.stateDir, 'config.yaml');
    writeFileSync(config, 'limits: { requests_per_minute: 4 }\n');
    await chorus.serve('--config', config);
    const model = 'gpt-oss-20b';
    const post = (path: string, body: object): Promise<Answer> => chorus.ask('EMPTY', 'POST', path, { model, ...body });
    const chat = (): Promise<Answer> =>
      post('/v1/chat/completions', { messages: [{ role: 'user', content: 'What is 7 + 8?' }] });
    const asks = [
      () => chorus.create('EMPTY'),
      chat,
      () => post('/v1/completions', { prompt: 'What is 7 + 8?', max_tokens: 5 }),
      () => post('/inference/v1/generate', { token_ids: [200_006, 1428], sampling_params: { max_tokens: 5 } }),
    ];
    const statuses = async (): Promise<number[]> => {
      const answers: Answer[] = [];
      for (const ask of asks) answers.push(await ask());
      return answers.map(({ status }) => status);
    };
    expect([await statuses(), await statuses()]).toEqual([
      [200, 200, 200, 200],
      [429, 429, 429, 429],
    ]);
    // Orders of the operator are no requests of a caller.
    expect((await chorus.ask('EMPTY', 'POST', '/admin/reload')).status).toBe(200);
    writeFileSync(config, 'limits: { requests_per_minute: 5, tokens_per_minute: 1000000 }\n');
    expect((await chorus.ask('EMPTY', 'POST', '/admin/reload')).status).toBe(200);
    const { status, headers } = await chat();
    expect([status, headers['x-ratelimit-limit-requests']]).toEqual([200, '5']);
    const left = (await chorus.ask('EMPTY', 'GET', '/v1/models')).headers['x-ratelimit-remaining-tokens'];
    expect(Number(left)).toBeLessThan(1_000_000);
    expect(await chorus.keys('limit-project', 'default', '--requests-per-minute', '50')).toMatchObject({
      exitCode: 0,
      stdout: 'default: 50 requests/min',
    });
    expect((await chat()).headers['x-ratelimit-limit-requests']).toBe('50');
  });
});

describe('two projects', { timeout: PATIENCE_MS }, () => {
  it('know nothing of each other, and a new key of a project sees what the old one made', async () => {
    await chorus.serve();
    const { key: old } = await chorus.makeKey('old', '--project', 'ours');
    const { key: stranger } = await chorus.makeKey('stranger', '--project', 'theirs');
    const { body } = await chorus.create(old);
    const id = body.id ?? expect.fail(JSON.stringify(body));
    const [{ id: itemId }] = (body as unknown as { output: [{ id: string }] }).output;
    const unknown = id.replace(/.{8}$/, '00000000');
    const same = async (act: (responseId: string) => Promise<Answer>): Promise<number> => {
      const [theirs, never] = [await act(id), await act(unknown)];
      const said = ({ status, body: answer }: Answer, named: string): unknown[] => [
        status,
        JSON.stringify(answer).replaceAll(named, 'ID'),
      ];
      expect(said(theirs, id)).toEqual(said(never, unknown));
      return theirs.status;
    };
    expect(await same((one) => chorus.ask(stranger, 'GET', `/v1/responses/${one}`))).toBe(404);
    expect(await same((one) => chorus.ask(stranger, 'GET', `/v1/responses/${one}/input_items`))).toBe(404);
    expect(await same((one) => chorus.ask(stranger, 'DELETE', `/v1/responses/${one}`))).toBe(404);
    expect(await same((one) => chorus.ask(stranger, 'POST', `/v1/responses/${one}/cancel`))).toBe(404);
    expect(await same((one) => chorus.create(stranger, { previous_response_id: one }))).toBe(400);
    const lend = (reference: string): Promise<Answer> =>
      chorus.create(stranger, { input: [{ type: 'item_reference', id: reference }] });
    expect([(await lend(itemId)).status, (await lend(itemId.replace(/.{8}$/, '00000000'))).status]).toEqual([404, 404]);

    await chorus.keys('revoke', 'old');
    const { key: fresh } = await chorus.makeKey('fresh', '--project', 'ours');
    expect((await chorus.ask(fresh, 'GET', `/v1/responses/${id}`)).body.id).toBe(id);
    expect((await chorus.create(fresh, { input: 'And again?', previous_response_id: id })).status).toBe(200);
    expect((await chorus.ask(fresh, 'DELETE', `/v1/responses/${id}`)).status).toBe(200);
  });
});
