import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, readConfig } from '../../src/config/load-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'chorus-engines-'));
const file = join(folder, 'config.yaml');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function problemOf(engines: unknown): Promise<string> {
  writeFileSync(file, JSON.stringify({ engines }));
  const reading = await readConfig({ config: file }, {});
  return 'problems' in reading ? reading.problems.map(({ message }) => message).join() : expect.fail('no problem');
}

describe('engines elsewhere in the settings', () => {
  it('have names, and keys beside the file', async () => {
    const one = { url: 'https://a.example/base', name: 'modal', api_key_file: 'key', forward_authorization: true };
    writeFileSync(file, JSON.stringify({ engines: [one, 'http://10.0.0.7:8000'] }));
    const { options } = await loadConfig({ config: file }, {});
    expect(options.remoteEngines).toEqual([
      { engineId: 'modal', url: one.url, apiKeyFile: join(folder, 'key'), forwardsAuthorization: true },
      { engineId: 'r1', url: 'http://10.0.0.7:8000', apiKeyFile: null, forwardsAuthorization: false },
    ]);
  });

  it('come from flags over CHORUS_ENGINES over LEARNING_V2_MODAL_URL over the file', async () => {
    writeFileSync(file, JSON.stringify({ engines: ['http://file'] }));
    const modal = { LEARNING_V2_MODAL_URL: 'http://modal' };
    const both = { ...modal, CHORUS_ENGINES: 'http://a,http://b' };
    const urls = async (...given: Parameters<typeof loadConfig>): Promise<string[]> =>
      (await loadConfig(...given)).options.remoteEngines.map(({ url }) => url);
    expect(await urls({ config: file }, {})).toEqual(['http://file']);
    expect(await urls({ config: file }, { LEARNING_V2_MODAL_URL: '' })).toEqual(['http://file']);
    expect(await urls({ config: file }, modal)).toEqual(['http://modal']);
    expect(await urls({ config: file }, both)).toEqual(['http://a', 'http://b']);
    expect(await urls({ config: file, remoteEngine: ['http://c', 'http://d'] }, both)).toEqual([
      'http://c',
      'http://d',
    ]);
  });

  it.each([
    ['x', 'engines is no list.'],
    [[7], 'engines has an entry 1 that is neither a url nor { url: … }'],
    [['http://a', { name: 'b' }], 'engines has an entry 2 without a url'],
    [['ftp://a'], 'engines has an entry 1 whose url is no http:// or https:// address'],
    [['http://a/?x=1'], 'whose url has a ? or # behind its path'],
    [['http://a/v1'], 'whose url ends in /v1: give what stands before it'],
    [[{ url: 'http://a', name: 'e0' }], 'whose name is no name'],
    [[{ url: 'http://a', name: 'r1' }, 'http://b'], "has two engines called 'r1'"],
    [[{ url: 'http://a', forward_authorization: 'yes' }], 'whose forward_authorization is neither true nor false'],
  ])('are refused as %j', async (engines, problem) => {
    expect(await problemOf(engines)).toContain(problem);
  });

  it('are refused without repeating a secret', async () => {
    const inUrl = await problemOf(['https://user:hunter2@a.example']);
    expect(inUrl).toContain('holds a credential: name a file with the key as api_key_file');
    const inline = await problemOf([{ url: 'http://a', api_key: 'hunter2' }]);
    expect(inline).toContain('with api_key, which is unknown');
    expect(inUrl + inline).not.toContain('hunter2');
  });
});
