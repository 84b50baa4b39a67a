import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Twice what an environment with vLLM has for the CPU; as many take some seconds. */
const MAX_ENTRIES = 100_000;
/** What `stat` counts in, whatever the file system's own blocks are. */
const BLOCK_BYTES = 512;

/**
 * What the files and folders below a folder take on their disk, 0 where it is not there. Links are not followed. Of more
 * than `maxEntries` the rest is left out: the answer may be too small and is never late. Never rejects.
 */
export async function bytesOnDisk(folder: string, maxEntries: number = MAX_ENTRIES): Promise<number> {
  const folders = [folder];
  let bytes = 0;
  let entriesLeft = maxEntries;
  for (let at = folders.pop(); at !== undefined && entriesLeft > 0; at = folders.pop()) {
    const parent = at;
    const entries = (await entriesOf(parent)).slice(0, entriesLeft);
    entriesLeft -= entries.length;
    const sizes = await Promise.all(entries.map(({ name }) => ownBytes(join(parent, name))));
    bytes += sizes.reduce((sum, size) => sum + size, 0);
    folders.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(parent, name)));
  }
  return bytes;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function ownBytes(file: string): Promise<number> {
  return lstat(file).then(
    ({ blocks }) => blocks * BLOCK_BYTES,
    () => 0,
  );
}
