import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import type { NewKey } from '../../src/access/key-ring.ts';
import type { KeyListing } from '../../src/access/named-keys.ts';
import { newStateDir, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { eventually } from '../support/eventually.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const SERVE = ['--engine', 'simulated', '--replicas', '1'];
const PATIENCE_MS = 120_000;

let stateDir = newStateDir();
let running: RunningChorus | null = null;
afterEach(async () => {
  await running?.stop();
  running = null;
  rmSync(stateDir, { recursive: true, force: true });
  stateDir = newStateDir();
});

async function serve(...flags: readonly string[]): Promise<RunningChorus> {
  running = await startChorus([...SERVE, ...flags], stateDir);
  return running;
}

async function stop(): Promise<void> {
  await running?.stop();
  running = null;
}

interface Ran {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function keys(...words: readonly string[]): Promise<Ran> {
  const args = ['scripts/chorus.js', 'keys', ...words, '--state-dir', stateDir];
  const { exitCode, stdout, stderr } = await execa(process.execPath, args, { cwd: ROOT, reject: false });
  return { exitCode, stdout, stderr };
}

const makeKey = async (...words: readonly string[]): Promise<NewKey> => {
  const { exitCode, stdout, stderr } = await keys('create', ...words, '--json');
  expect([exitCode, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as NewKey;
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: { readonly id?: string; readonly error?: { readonly code: string | null; readonly message: string } };
}

type Method = 'GET' | 'POST' | 'DELETE';

async function ask(key: string, method: Method, path: string, body?: object): Promise<Answer> {
  const { url } = running ?? expect.fail('nothing runs');
  const answer = await request(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
    headersTimeout: PATIENCE_MS,
  });
  return { status: answer.statusCode, headers: answer.headers, body: (await answer.body.json()) as Answer['body'] };
}

const create = (key: string, body: object = {}): Promise<Answer> =>
  ask(key, 'POST', '/v1/responses', { model: 'gpt-oss-20b', temperature: 0, input: 'What is 7 + 8?', ...body });

const adminKey = (): string => readFileSync(join(stateDir, 'admin-key'), 'utf8').trim();

describe('keys of a running server', { timeout: PATIENCE_MS }, () => {
  it('work as soon as they are made, and no longer than until they are revoked', async () => {
    await serve();
    expect((await create('EMPTY')).status).toBe(200);
    const made = await keys('create', 'ci', '--project', 'team');
    expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sk-chorus-[\w-]{32}$/) });
    const key = made.stdout;
    expect([(await create(key)).status, (await create('EMPTY')).status]).toEqual([200, 401]);
    // The command finds the admin key that came with the first key.
    expect(await keys('list')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/key_\w+ +ci +team /) });
    expect((await keys('create', 'ci')).exitCode).toBe(64);
    expect(await keys('revoke', 'ci')).toMatchObject({ exitCode: 0 });
    const { status, body } = await create(key);
    expect([status, body.error?.code]).toEqual([401, 'invalid_api_key']);
    expect(body).toEqual((await create('sk-never-made')).body);
    expect(await keys('revoke', 'ci')).toMatchObject({
      exitCode: 64,
      stderr: "chorus: There is no key 'ci'. `chorus keys list` shows them all.",
    });
  });

  it('are made, listed and revoked over HTTP with the admin key, and with no other', async () => {
    const { key } = await makeKey('before', '--project', 'a');
    await serve();
    for (const [method, path, body] of [
      ['GET', '/admin/keys', undefined],
      ['POST', '/admin/keys', { name: 'mine' }],
      ['DELETE', '/admin/keys/before', undefined],
      ['GET', '/admin/status', undefined],
    ] as const) {
      expect((await ask(key, method, path, body)).status).toBe(403);
    }
    const wrong = await ask(adminKey(), 'POST', '/admin/keys', { name: 'x', limits: { requestsPerMinut: 1 } });
    expect(wrong.status).toBe(400);
    const { status, body } = await ask(adminKey(), 'POST', '/admin/keys', { name: 'mine', project: null });
    expect([status, body]).toEqual([201, expect.objectContaining({ name: 'mine', project: 'default' })]);
    const listed = await ask(adminKey(), 'GET', '/admin/keys');
    expect((listed.body as KeyListing).keys.map(({ name }) => name)).toEqual(['before', 'mine']);
    expect(JSON.stringify(listed.body)).not.toMatch(/sk-chorus|hash/);
    expect((await ask(adminKey(), 'DELETE', '/admin/keys/before')).status).toBe(200);
    expect((await ask(key, 'GET', '/v1/models')).status).toBe(401);
    expect((await create(adminKey())).status).toBe(403);
  });

  it('hold their limits, say so on every answer, and the tokens of a turn are charged', async () => {
    await serve();
    const { key } = await makeKey('small', '--requests-per-minute', '3', '--tokens-per-minute', '1000000');
    const { key: thirsty } = await makeKey('thirsty', '--tokens-per-minute', '10');
    const first = await create(key);
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
    const seen = await ask(key, 'GET', '/v1/models');
    expect(seen.headers['x-ratelimit-remaining-tokens']).toBe(String(1_000_000 - usage.total_tokens));
    expect([(await create(key)).status, (await create(key)).status]).toEqual([200, 200]);
    const refused = await create(key);
    expect([refused.status, refused.body.error]).toEqual([
      429,
      expect.objectContaining({
        code: 'rate_limit_exceeded',
        message: expect.stringMatching(/try again in [\d.]+m?s/),
      }),
    ]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await create(thirsty)).status).toBe(200);
    expect((await create(thirsty)).body.error?.message).toContain('tokens a minute: 10');
    await holdOneAtOnce();
  });

  /** A stream counts until it has ended or its client has left. */
  async function holdOneAtOnce(): Promise<void> {
    const { key } = await makeKey('one', '--concurrent', '1');
    const { url } = running ?? expect.fail('nothing runs');
    const leave = new AbortController();
    const stream = await request(`${url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-oss-20b', stream: true, temperature: 0, input: 'Count to 100.' }),
      signal: leave.signal,
    });
    expect([stream.statusCode, stream.headers['x-ratelimit-limit-requests']]).toEqual([200, '1000000000']);
    expect((await create(key)).status).toBe(429);
    stream.body.on('error', () => {});
    leave.abort();
    await eventually('a place', 20_000, async () => ((await create(key)).status === 200 ? true : null));
  }
});

describe('limits of the settings', { timeout: PATIENCE_MS }, () => {
  it('hold for projects without their own, for every API that generates, and follow a reload', async () => {
    const config = join(stateDir, 'config.yaml');
    writeFileSync(config, 'limits: { requests_per_minute: 2 }\n');
    await serve('--config', config);
    const chat = (): Promise<Answer> =>
      ask('EMPTY', 'POST', '/v1/chat/completions', {
        model: 'gpt-oss-20b',
        messages: [{ role: 'user', content: 'What is 7 + 8?' }],
      });
    expect([(await create('EMPTY')).status, (await chat()).status, (await chat()).status]).toEqual([200, 200, 429]);
    // Orders of the operator are no requests of a caller.
    expect((await ask('EMPTY', 'POST', '/admin/reload')).status).toBe(200);
    writeFileSync(config, 'limits: { requests_per_minute: 3, tokens_per_minute: 1000000 }\n');
    expect((await ask('EMPTY', 'POST', '/admin/reload')).status).toBe(200);
    const { status, headers } = await chat();
    expect([status, headers['x-ratelimit-limit-requests']]).toEqual([200, '3']);
    const left = (await ask('EMPTY', 'GET', '/v1/models')).headers['x-ratelimit-remaining-tokens'];
    expect(Number(left)).toBeLessThan(1_000_000);
    expect(await keys('limit-project', 'default', '--requests-per-minute', '50')).toMatchObject({
      exitCode: 0,
      stdout: 'default: 50 requests/min',
    });
    expect((await chat()).headers['x-ratelimit-limit-requests']).toBe('50');
  });
});

describe('two projects', { timeout: PATIENCE_MS }, () => {
  it('know nothing of each other, and a new key of a project sees what the old one made', async () => {
    await serve();
    const { key: old } = await makeKey('old', '--project', 'ours');
    const { key: stranger } = await makeKey('stranger', '--project', 'theirs');
    const { body } = await create(old);
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
    expect(await same((one) => ask(stranger, 'GET', `/v1/responses/${one}`))).toBe(404);
    expect(await same((one) => ask(stranger, 'GET', `/v1/responses/${one}/input_items`))).toBe(404);
    expect(await same((one) => ask(stranger, 'DELETE', `/v1/responses/${one}`))).toBe(404);
    expect(await same((one) => ask(stranger, 'POST', `/v1/responses/${one}/cancel`))).toBe(404);
    expect(await same((one) => create(stranger, { previous_response_id: one }))).toBe(400);
    const lend = (reference: string): Promise<Answer> =>
      create(stranger, { input: [{ type: 'item_reference', id: reference }] });
    expect([(await lend(itemId)).status, (await lend(itemId.replace(/.{8}$/, '00000000'))).status]).toEqual([404, 404]);

    await keys('revoke', 'old');
    const { key: fresh } = await makeKey('fresh', '--project', 'ours');
    expect((await ask(fresh, 'GET', `/v1/responses/${id}`)).body.id).toBe(id);
    expect((await create(fresh, { input: 'And again?', previous_response_id: id })).status).toBe(200);
    expect((await ask(fresh, 'DELETE', `/v1/responses/${id}`)).status).toBe(200);
  });
});

describe('keys without a running server', { timeout: PATIENCE_MS }, () => {
  it('are made in the file, all of those that several commands make at once, and work from the next start', async () => {
    const names = ['a', 'b', 'c'];
    const made = await Promise.all(names.map((name) => makeKey(name, '--expires', '1d')));
    expect(statSync(join(stateDir, 'keys.json')).mode & 0o777).toBe(0o600);
    const { keys: listed } = JSON.parse((await keys('list', '--json')).stdout) as KeyListing;
    expect(listed.map(({ name }) => name).toSorted()).toEqual(names);
    await keys('revoke', made[0]?.id ?? '');
    await serve();
    const statuses = await Promise.all(made.map(async ({ key }) => (await ask(key, 'GET', '/v1/models')).status));
    expect(statuses).toEqual([401, 200, 200]);
    expect((await ask('EMPTY', 'GET', '/admin/status')).status).toBe(401);
  });

  it.each([
    [['create', 'a b'], 64, /Invalid name 'a b'/],
    [['create', 'ok', '--expires', 'soon'], 64, /--expires is 'soon'/],
    [['create', 'ok', '--concurrent', '0'], 64, /--concurrent is '0'/],
    [['revoke', 'nobody'], 64, /no key 'nobody'/],
  ])('are refused in one sentence: %j', async (words, code, sentence) => {
    const { exitCode, stderr } = await keys(...words);
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(sentence)]);
    expect(stderr.split('\n')).toHaveLength(1);
  });

  it('that lie in a broken file let nothing start', async () => {
    writeFileSync(join(stateDir, 'keys.json'), '{"version":1');
    await expect(serve()).rejects.toThrow(/ended with 78:[^]*keys\.json holds the named keys and cannot be used/);
    expect((await keys('list')).exitCode).toBe(78);
  });
});

describe('a public address', { timeout: PATIENCE_MS }, () => {
  it('has a key and an admin key in files that only their owner reads, made at the first start', async () => {
    await serve('--host', '0.0.0.0');
    for (const name of ['api-key', 'admin-key']) expect(statSync(join(stateDir, name)).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(stateDir, 'api-key'), 'utf8').trim();
    expect([(await create(key)).status, (await create('EMPTY')).status]).toEqual([200, 401]);
    const { exitCode, stdout } = await keys('list');
    expect([exitCode, stdout]).toEqual([0, 'There are no named keys.']);
    // Both read the same responses: the server's own key is one of the project default.
    const { key: named } = await makeKey('named');
    const { body } = await create(key);
    expect((await ask(named, 'GET', `/v1/responses/${body.id}`)).status).toBe(200);
  });

  it('makes no key of its own where there are named ones', async () => {
    const { key } = await makeKey('only');
    await serve('--host', '0.0.0.0');
    expect(existsSync(join(stateDir, 'api-key'))).toBe(false);
    expect((await create(key)).status).toBe(200);
  });

  it('is refused without a key', async () => {
    await expect(serve('--host', '0.0.0.0', '--no-key')).rejects.toThrow(
      /ended with 64:[^]*Without a key everybody who reaches 0\.0\.0\.0 could use the models\./,
    );
  });
});

describe('--no-key on loopback', { timeout: PATIENCE_MS }, () => {
  it('asks for none, whatever keys there are, until it is left out again', async () => {
    await makeKey('ci');
    await serve('--no-key');
    expect((await create('EMPTY')).status).toBe(200);
    expect((await keys('list')).exitCode).toBe(0);
    await stop();
    await serve();
    expect((await create('EMPTY')).status).toBe(401);
  });
});
