import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KeyListing } from '../../src/access/named-keys.ts';
import { KeyedChorus, PATIENCE_MS } from '../support/keyed-chorus.ts';

const chorus = new KeyedChorus();

describe('keys without a running server', { timeout: PATIENCE_MS }, () => {
  it('are made in the file, all of those that several commands make at once, and work from the next start', async () => {
    const names = ['a', 'b', 'c'];
    const made = await Promise.all(names.map((name) => chorus.makeKey(name, '--expires', '1d')));
    expect(statSync(join(chorus.stateDir, 'keys.json')).mode & 0o777).toBe(0o600);
    const { keys: listed } = JSON.parse((await chorus.keys('list', '--json')).stdout) as KeyListing;
    expect(listed.map(({ name }) => name).toSorted()).toEqual(names);
    await chorus.keys('revoke', made[0]?.id ?? '');
    await chorus.serve();
    const statuses = await Promise.all(
      made.map(async ({ key }) => (await chorus.ask(key, 'GET', '/v1/models')).status),
    );
    expect(statuses).toEqual([401, 200, 200]);
    expect((await chorus.ask('EMPTY', 'GET', '/admin/status')).status).toBe(401);
  });

  it.each([
    [['create', 'a b'], 64, /Invalid name 'a b'/],
    [['create', 'ok', '--expires', 'soon'], 64, /--expires is 'soon'/],
    [['create', 'ok', '--concurrent', '0'], 64, /--concurrent is '0'/],
    [['revoke', 'nobody'], 64, /no key 'nobody'/],
  ])('are refused in one sentence: %j', async (words, code, sentence) => {
    const { exitCode, stderr } = await chorus.keys(...words);
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(sentence)]);
    expect(stderr.split('\n')).toHaveLength(1);
  });

  it('that lie in a broken file let nothing start', async () => {
    writeFileSync(join(chorus.stateDir, 'keys.json'), '{"version":1');
    await expect(chorus.serve()).rejects.toThrow(
      /ended with 78:[^]*keys\.json holds the named keys and cannot be used/,
    );
    expect((await chorus.keys('list')).exitCode).toBe(78);
  });
});

describe('a public address', { timeout: PATIENCE_MS }, () => {
  it('has a key and an admin key in files that only their owner reads, made at the first start', async () => {
    await chorus.serve('--host', '0.0.0.0');
    for (const name of ['api-key', 'admin-key']) expect(statSync(join(chorus.stateDir, name)).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(chorus.stateDir, 'api-key'), 'utf8').trim();
    expect([(await chorus.create(key)).status, (await chorus.create('EMPTY')).status]).toEqual([200, 401]);
    const { exitCode, stdout } = await chorus.keys('list');
    expect([exitCode, stdout]).toEqual([0, 'There are no named keys.']);
    // Both read the same responses: the server's own key is one of the project default.
    const { key: named } = await chorus.makeKey('named');
    const { body } = await chorus.create(key);
    expect((await chorus.ask(named, 'GET', `/v1/responses/${body.id}`)).status).toBe(200);
  });

  it('makes no key of its own where there are named ones', async () => {
    const { key } = await chorus.makeKey('only');
    await chorus.serve('--host', '0.0.0.0');
    expect(existsSync(join(chorus.stateDir, 'api-key'))).toBe(false);
    expect((await chorus.create(key)).status).toBe(200);
  });

  it('is refused without a key', async () => {
    await expect(chorus.serve('--host', '0.0.0.0', '--no-key')).rejects.toThrow(
      /ended with 64:[^]*Without a key everybody who reaches 0\.0\.0\.0 could use the models\./,
    );
  });
});

describe('--no-key on loopback', { timeout: PATIENCE_MS }, () => {
  it('asks for none, whatever keys there are, until it is left out again', async () => {
    await chorus.makeKey('ci');
    await chorus.serve('--no-key');
    expect((await chorus.create('EMPTY')).status).toBe(200);
    expect((await chorus.keys('list')).exitCode).toBe(0);
    await chorus.stop();
    await chorus.serve();
    expect((await chorus.create('EMPTY')).status).toBe(401);
  });
});
