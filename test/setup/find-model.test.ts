import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findModel } from '../../src/setup/find-model.ts';
import { readHubSettings } from '../../src/setup/hub-settings.ts';
import { smallRepository } from '../support/fake-hub.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'chorus-cache-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Lays a snapshot out as huggingface_hub does: links to blobs. */
function snapshot(revision: string, without: readonly string[] = []): string {
  const folder = join(home, '.cache/huggingface/hub/models--openai--gpt-oss-20b');
  for (const [name, content] of Object.entries(smallRepository(1000))) {
    if (without.includes(name)) continue;
    const blob = join(folder, 'blobs', `${revision}-${name.replaceAll('/', '-')}`);
    const link = join(folder, 'snapshots', revision, name);
    mkdirSync(dirname(blob), { recursive: true });
    mkdirSync(dirname(link), { recursive: true });
    writeFileSync(blob, content);
    symlinkSync(blob, link);
  }
  return join(folder, 'snapshots', revision);
}

function mainIs(revision: string): void {
  const refs = join(home, '.cache/huggingface/hub/models--openai--gpt-oss-20b/refs');
  mkdirSync(refs, { recursive: true });
  writeFileSync(join(refs, 'main'), revision);
}

const find = () => {
  const { cacheFolder } = readHubSettings({ HOME: home });
  return findModel('gpt-oss-20b', { folder: join(home, 'state'), cacheFolder });
};

it('takes the whole snapshot that main names', async () => {
  snapshot('1111');
  const path = snapshot('2222');
  mainIs('2222');
  expect(await find()).toEqual({ path, source: 'hugging_face_cache' });
});

it('takes no snapshot without all shards of its index', async () => {
  snapshot('1111', ['model-00001-of-00001.safetensors']);
  expect(await find()).toBeNull();
});

it('takes no snapshot whose shards are smaller than their tensors, nor one with a link to nothing', async () => {
  const path = snapshot('1111');
  const blobs = join(home, '.cache/huggingface/hub/models--openai--gpt-oss-20b/blobs');
  writeFileSync(join(blobs, '1111-model-00000-of-00001.safetensors'), 'short');
  expect(await find()).toBeNull();
  rmSync(join(blobs, '1111-model-00000-of-00001.safetensors'));
  expect(await find()).toBeNull();
  expect(path).toContain('1111');
});

it('takes another whole snapshot when the one of main is half there', async () => {
  const path = snapshot('1111');
  snapshot('2222', ['config.json']);
  mainIs('2222');
  expect(await find()).toEqual({ path, source: 'hugging_face_cache' });
});

it('reads the hub settings as huggingface_hub does', () => {
  mkdirSync(join(home, 'hf'));
  writeFileSync(join(home, 'hf/token'), 'hf_file\n');
  expect(readHubSettings({ HF_HOME: join(home, 'hf'), HF_ENDPOINT: 'https://mirror.example/' })).toMatchObject({
    endpoint: 'https://mirror.example',
    token: 'hf_file',
    offline: false,
    cacheFolder: join(home, 'hf/hub'),
  });
  expect(readHubSettings({ HOME: home, HF_TOKEN: 'hf_named', HF_HUB_OFFLINE: '1', HF_HUB_CACHE: '/c' })).toMatchObject({
    endpoint: 'https://huggingface.co',
    token: 'hf_named',
    offline: true,
    cacheFolder: '/c',
  });
  expect(readHubSettings({ HOME: home, XDG_CACHE_HOME: '/x', https_proxy: 'http://p:1', NO_PROXY: 'a' })).toMatchObject(
    {
      token: null,
      cacheFolder: '/x/huggingface/hub',
      httpsProxy: 'http://p:1',
      httpProxy: '',
      noProxy: 'a',
    },
  );
});
