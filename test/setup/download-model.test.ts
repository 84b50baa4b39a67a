import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { retryWaitMs } from '../../src/setup/download-file.ts';
import { SetupFailure } from '../../src/setup/failure.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHub, REVISION, smallRepository } from '../support/fake-hub.ts';
import { newDownload, type Download } from './download.ts';

const SHARD = 'model-00000-of-00001.safetensors';
const NEEDED = [
  'chat_template.jinja',
  'config.json',
  'generation_config.json',
  SHARD,
  'model-00001-of-00001.safetensors',
  'model.safetensors.index.json',
  'tokenizer.json',
];

let hub: FakeHub;
let download: Download;
beforeEach(async () => {
  hub = await FakeHub.start();
  download = newDownload();
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  download.remove();
});

/** Code of the failure that a download ends with. */
async function failureOf(run: Promise<unknown>): Promise<SetupFailure> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SetupFailure);
  return error as SetupFailure;
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** Ranges that were asked for of one file. */
const ranges = (path: string): (string | null)[] =>
  hub.downloads.filter((request) => request.path === `storage/${path}`).map(({ range }) => range);

const partBytes = (): number[] => {
  const folder = join(download.folder, 'parts');
  return readdirSync(folder).map((name) => statSync(join(folder, name)).size);
};

describe('a download', () => {
  it('brings the files that vLLM needs, and none of the others', async () => {
    const folder = await download.run(hub);
    expect(folder).toBe(join(download.folder, REVISION));
    expect(readdirSync(folder)).toEqual(['chat_template.jinja', 'chorus-complete.json', ...NEEDED.slice(1)]);
    for (const path of NEEDED) expect(download.read(join(REVISION, path))).toEqual(smallRepository()[path]);
    expect(readdirSync(download.folder)).toEqual([REVISION]);
  });

  it('tells how much is here, of how much, and ends at the whole', async () => {
    await download.run(hub);
    const totalBytes = NEEDED.reduce((sum, path) => sum + smallRepository()[path]!.length, 0);
    expect(download.progress[0]).toMatchObject({ step: 'download', totalBytes });
    expect(download.progress.at(-1)).toMatchObject({ fraction: 1, doneBytes: totalBytes, totalBytes });
  });

  it('goes on in the middle of a file when the hub breaks off, and tries again without end while bytes come', async () => {
    hub.fail(SHARD, { kind: 'break', afterBytes: 30_000 }, 9);
    await download.run(hub);
    const asked = ranges(SHARD);
    expect(asked).toHaveLength(10);
    expect(asked[0]).toBeNull();
    expect(asked[9]).toBe('bytes=270000-');
    expect(download.read(join(REVISION, SHARD))).toEqual(smallRepository()[SHARD]);
  });

  it('gives up after six attempts that bring nothing, with growing pauses, and keeps what it has', async () => {
    hub.fail(SHARD, { kind: 'break', afterBytes: 30_000 });
    hub.fail(SHARD, { kind: 'status', status: 503 }, 9);
    const failure = await failureOf(download.run(hub));
    expect([failure.code, failure.exitCode]).toEqual(['hub_error', 75]);
    expect(failure.message).toMatch(/answers 503\. Run the same command again: what is here already is kept\.$/);
    expect(download.clock.pausesMs).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(partBytes()).toContain(30_000);
    expect(existsSync(join(download.folder, REVISION, 'chorus-complete.json'))).toBe(false);
  });

  it('starts anew when the server knows no ranges', async () => {
    hub.fail(SHARD, { kind: 'break', afterBytes: 30_000 });
    hub.fail(SHARD, { kind: 'ignore_range' });
    await download.run(hub);
    expect(ranges(SHARD)).toEqual([null, 'bytes=30000-']);
    expect(download.read(join(REVISION, SHARD))).toEqual(smallRepository()[SHARD]);
  });

  it('throws a wrong content away and takes a right one', async () => {
    hub.fail(SHARD, { kind: 'corrupt' });
    await download.run(hub);
    expect(ranges(SHARD)).toEqual([null, null]);
    expect(download.read(join(REVISION, SHARD))).toEqual(smallRepository()[SHARD]);
  });

  it.each([SHARD, 'config.json'])('refuses a content of %s that is wrong twice', async (path) => {
    hub.fail(path, { kind: 'corrupt' }, 2);
    const failure = await failureOf(download.run(hub));
    expect(failure.code).toBe('wrong_checksum');
    expect(failure.message).toContain(`${path} arrived with the checksum`);
    expect(existsSync(join(download.folder, REVISION, path))).toBe(false);
  });

  it('takes a hub that stops sending for broken, and goes on', async () => {
    hub.fail(SHARD, { kind: 'stall', afterBytes: 50_000 });
    await download.run(hub, { stallMs: 300 });
    expect(ranges(SHARD)).toEqual([null, 'bytes=50000-']);
    expect(download.progress.map(({ sentence }) => sentence).join('\n')).toMatch(/stopped sending\. .*Trying again in/);
  });

  it.each([
    [401, 'hub_unauthorised', 77],
    [403, 'hub_forbidden', 77],
    [404, 'hub_not_found', 69],
    [418, 'hub_nonsense', 69],
  ])('ends at once at status %i as %s', async (status, code, exitCode) => {
    hub.fail(SHARD, { kind: 'status', status }, 2);
    const failure = await failureOf(download.run(hub));
    expect([failure.code, failure.exitCode]).toEqual([code, exitCode]);
    expect(download.clock.pausesMs).toEqual([]);
  });

  it('waits as long as a hub asks that has too many requests', async () => {
    hub.fail(SHARD, { kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    await download.run(hub);
    expect(download.clock.pausesMs).toEqual([7000]);
  });

  it('does not follow redirects for ever', async () => {
    hub.fail(SHARD, { kind: 'redirect', location: `/openai/gpt-oss-20b/resolve/${REVISION}/${SHARD}` }, 20);
    expect((await failureOf(download.run(hub))).code).toBe('hub_redirects');
    expect(hub.requests.filter(({ path }) => path.endsWith(SHARD) && path.startsWith('openai'))).toHaveLength(9);
  });

  it('follows redirects nowhere but to the web', async () => {
    hub.fail('config.json', { kind: 'redirect', location: 'file:///etc/passwd' });
    const failure = await failureOf(download.run(hub));
    expect(failure.message).toContain('redirects to file:///etc/passwd, which is no web address.');
  });

  it('shows the token to the hub and to nobody that it sends to', async () => {
    await download.run(hub, { environment: { HF_TOKEN: 'hf_secret' } });
    const shown = new Set(hub.requests.map(({ path, authorization }) => `${path.split('/')[0]} ${authorization}`));
    expect(shown).toEqual(new Set(['api Bearer hf_secret', 'openai Bearer hf_secret', 'storage null']));
  });

  it('says that a hub cannot be reached', async () => {
    const environment = { HF_ENDPOINT: 'http://127.0.0.1:1' };
    const failure = await failureOf(download.run(hub, { environment }));
    expect(failure.message).toMatch(/^127\.0\.0\.1:1 cannot be reached \(.*ECONNREFUSED.*\)\. Check the network/);
  });

  it('refuses an answer that is of no hub', async () => {
    hub.fail('listing', { kind: 'redirect', location: `${hub.endpoint}/storage/README.md` });
    expect((await failureOf(download.run(hub))).code).toBe('hub_nonsense');
  });

  it('does not ask for ever where a part comes that nobody asked for', async () => {
    hub.fail(SHARD, { kind: 'unasked_part' }, 3);
    const failure = await failureOf(download.run(hub));
    expect([failure.code, failure.sentence]).toEqual([
      'hub_nonsense',
      expect.stringMatching(/\/model-00000-of-00001\.safetensors answers 206\.$/),
    ]);
    expect(ranges(SHARD)).toEqual([null]);
  });

  it('brings two files of the same content', async () => {
    await using twins = await FakeHub.start({ ...smallRepository(), 'other.safetensors': smallRepository()[SHARD]! });
    twins.slowTo(600_000);
    const folder = await download.run(twins);
    for (const path of [SHARD, 'other.safetensors']) {
      expect(download.read(join(folder.split('/').at(-1)!, path))).toEqual(smallRepository()[SHARD]);
    }
  });

  it('goes through the proxy of the environment', async () => {
    await using proxy = await FakeHub.start();
    // A hub asked by its full address, as a proxy is: its paths are the same.
    const environment = { HTTP_PROXY: proxy.endpoint, HF_ENDPOINT: 'http://hub.invalid' };
    await download.run(hub, { environment }).catch(() => undefined);
    expect(hub.requests).toEqual([]);
    expect(proxy.requests.length).toBeGreaterThan(0);
  });

  it('says that the disk is full, and does not try again', async () => {
    mkdirSync(join(download.folder, 'parts'));
    symlinkSync('/dev/full', join(download.folder, 'parts', `${sha256(smallRepository()[SHARD]!)}-${SHARD}.part`));
    const failure = await failureOf(download.run(hub));
    expect([failure.code, failure.exitCode]).toEqual(['disk_full', 74]);
    expect(failure.message).toMatch(/^The disk is full while .*\.part is written\. Make room, or choose a larger disk/);
    expect(download.clock.pausesMs).toEqual([]);
  });

  it('of a slow hub tells the rate and the time that is left', async () => {
    hub.slowTo(200_000);
    await download.run(hub);
    const rated = download.progress.filter(({ bytesPerSecond }) => bytesPerSecond !== null);
    expect(rated.length).toBeGreaterThan(0);
    for (const { bytesPerSecond, leftMs, doneBytes, totalBytes } of rated) {
      // Two files at once.
      expect(bytesPerSecond).toBeGreaterThan(50_000);
      expect(bytesPerSecond).toBeLessThan(500_000);
      expect(leftMs).toBeCloseTo((((totalBytes ?? 0) - doneBytes) / (bytesPerSecond ?? 0)) * 1000);
    }
  });

  it('stops when it is told to, and the next one goes on where it stopped', async () => {
    hub.fail(SHARD, { kind: 'stall', afterBytes: 120_000 });
    const stop = new AbortController();
    const run = download.run(hub, { signal: stop.signal });
    run.catch(() => undefined);
    await eventually('most of the file', 5000, () =>
      existsSync(join(download.folder, 'parts')) && partBytes().includes(120_000) ? true : null,
    );
    stop.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await download.run(hub);
    expect(ranges(SHARD)).toEqual([null, 'bytes=120000-']);
  });

  it('asks for nothing that is whole already', async () => {
    hub.fail('model-00001-of-00001.safetensors', { kind: 'status', status: 404 });
    await failureOf(download.run(hub));
    await download.run(hub);
    const asked = hub.downloads.length;
    await download.run(hub);
    expect(hub.downloads).toHaveLength(asked);
  });
});

describe('a half on disk', () => {
  it('that has every byte becomes the file without another request, if they are the right ones', async () => {
    const content = smallRepository()[SHARD]!;
    const parts = join(download.folder, 'parts');
    mkdirSync(parts);
    writeFileSync(join(parts, `${sha256(content)}-${SHARD}.part`), content);
    await download.run(hub);
    expect(ranges(SHARD)).toEqual([]);
    expect(download.read(join(REVISION, SHARD))).toEqual(content);
  });

  it('that has every byte and one of them wrong is thrown away', async () => {
    const content = smallRepository()[SHARD]!;
    const parts = join(download.folder, 'parts');
    mkdirSync(parts);
    writeFileSync(join(parts, `${sha256(content)}-${SHARD}.part`), Buffer.alloc(content.length));
    await download.run(hub);
    expect(ranges(SHARD)).toEqual([null]);
    expect(download.read(join(REVISION, SHARD))).toEqual(content);
  });

  it('that is longer than the file, or not its beginning, never becomes the file', async () => {
    hub.fail(SHARD, { kind: 'break', afterBytes: 30_000 });
    hub.fail(SHARD, { kind: 'status', status: 404 });
    await failureOf(download.run(hub));
    const half = join(
      download.folder,
      'parts',
      readdirSync(join(download.folder, 'parts')).find(
        (name) => statSync(join(download.folder, 'parts', name)).size === 30_000,
      )!,
    );
    truncateSync(half, 400_000);
    await download.run(hub);
    expect(download.read(join(REVISION, SHARD))).toEqual(smallRepository()[SHARD]);
  });

  it('with another content is thrown away once it is whole', async () => {
    hub.fail(SHARD, { kind: 'break', afterBytes: 30_000 });
    hub.fail(SHARD, { kind: 'status', status: 404 });
    await failureOf(download.run(hub));
    const parts = join(download.folder, 'parts');
    const half = readdirSync(parts).find((name) => statSync(join(parts, name)).size === 30_000)!;
    writeFileSync(join(parts, half), Buffer.alloc(30_000));
    await download.run(hub);
    expect(ranges(SHARD)).toEqual([null, 'bytes=30000-', null]);
    expect(download.read(join(REVISION, SHARD))).toEqual(smallRepository()[SHARD]);
  });
});

describe('the pause before another attempt', () => {
  it('doubles to a minute, half of it random, and is what the server asks for up to a minute', () => {
    expect([1, 2, 7, 20].map((attempts) => retryWaitMs(attempts, null, 1))).toEqual([1000, 2000, 60_000, 60_000]);
    expect(retryWaitMs(3, null, 0)).toBe(2000);
    expect(retryWaitMs(3, 5000, 0)).toBe(5000);
    expect(retryWaitMs(3, 500_000, 0)).toBe(60_000);
  });
});
