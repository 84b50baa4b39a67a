import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findModel } from '../../src/setup/find-model.ts';
import { FakeHub } from '../support/fake-hub.ts';
import { newDownload, type Download } from './download.ts';

const SHARD = 'model-00000-of-00001.safetensors';

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

describe('a downloaded model', () => {
  it('is found again, until one of its files is shorter', async () => {
    const nowhere = { folder: download.folder, cacheFolder: join(download.folder, 'none') };
    expect(await findModel('gpt-oss-20b', nowhere)).toBeNull();
    const path = await download.run(hub);
    expect(await findModel('gpt-oss-20b', nowhere)).toEqual({ path, source: 'state' });
    truncateSync(join(path, SHARD), 10);
    expect(await findModel('gpt-oss-20b', nowhere)).toBeNull();
  });

  it('is not one whose marker is damaged or names no files', async () => {
    const nowhere = { folder: download.folder, cacheFolder: join(download.folder, 'none') };
    const path = await download.run(hub);
    for (const marker of ['{"files":[],"finishedAtMs":1}', '{"files":[null],"finishedAtMs":1}', 'null', '{"files":']) {
      writeFileSync(join(path, 'chorus-complete.json'), marker);
      expect(await findModel('gpt-oss-20b', nowhere)).toBeNull();
    }
  });
});
