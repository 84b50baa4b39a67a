import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { openResponseStore, type StoreOptions } from '../../src/store/open-response-store.ts';
import { item, openStore, response, SettableClock, storeDirectory, turn } from '../support/store-bench.ts';

const WRITER = fileURLToPath(new URL('../support/children/store-writer.ts', import.meta.url));

async function problemAt(directory: string, options: Partial<StoreOptions> = {}): Promise<unknown> {
  const opening = await openResponseStore({ directory, clock: new SettableClock(), ...options });
  if (opening.kind === 'refused') return opening.problem;
  await opening.store.close();
  return 'opened';
}

/** A process that has the store in `directory`. */
async function holdStore(directory: string): Promise<{ readonly pid: number; kill(): Promise<void> }> {
  const child = execa(process.execPath, [WRITER, directory], { reject: false });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  expect(line.toString()).toBe('open\n');
  return {
    pid: child.pid ?? 0,
    kill: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

it('makes the directory for this user alone and leaves one file when it is closed', async () => {
  const directory = join(storeDirectory(), 'state', 'store');
  const store = await openStore({ directory });
  await store.put(turn('a', 1));
  await store.close();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(existsSync(join(directory, 'store.db-wal'))).toBe(false);
  expect(existsSync(join(directory, 'store.owner'))).toBe(false);
});

it('refuses a store that another process has, and says which; its end, even by SIGKILL, frees it', async () => {
  const directory = storeDirectory();
  const holder = await holdStore(directory);
  expect(await problemAt(directory)).toEqual({
    code: 'in_use',
    message: `${join(directory, 'store.db')} is in use by another process (pid ${holder.pid}).`,
    remedy: 'Stop that process, or give this one a state directory of its own with --state-dir.',
  });
  await holder.kill();
  const store = await openStore({ directory });
  await store.put(turn('a', 1));
  const refused = await execa(process.execPath, [WRITER, directory]);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    code: 'in_use',
    message: `${join(directory, 'store.db')} is in use by another process (pid ${process.pid}).`,
  });
});

it('refuses to have one store twice in one process', async () => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  expect(await problemAt(directory)).toMatchObject({ code: 'in_use' });
  await store.close();
  expect(await problemAt(directory)).toBe('opened');
});

it.for<[what: string, spoil: (file: string) => void, reason: string]>([
  ['holds something else', (file) => writeFileSync(file, 'no database '.repeat(1_000)), 'file is not a database'],
  ['was cut short', (file) => truncateSync(file, 8 * 4096), 'database disk image is malformed'],
  [
    'lies on zeros',
    (file) => writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 100), Buffer.alloc(200_000)])),
    'database disk image is malformed',
  ],
])('refuses a file that %s', async ([, spoil, reason]) => {
  const directory = storeDirectory();
  const store = await openStore({ directory });
  await store.put(response('r', { output: [item('i', 'x'.repeat(200_000))] }));
  await store.close();
  const file = join(directory, 'store.db');
  spoil(file);
  const before = readFileSync(file);
  expect(await problemAt(directory)).toEqual({
    code: 'corrupt',
    message: `${file} cannot be opened: ${reason}.`,
    remedy: 'Move the files of that directory away; the store then begins empty.',
  });
  expect(readFileSync(file).equals(before)).toBe(true);
});

it('refuses a file of a newer version', async () => {
  const directory = storeDirectory();
  expect(await problemAt(directory)).toBe('opened');
  const database = new DatabaseSync(join(directory, 'store.db'));
  database.exec('PRAGMA user_version = 1000');
  database.close();
  expect(await problemAt(directory)).toMatchObject({ code: 'newer_schema' });
});

/** Not even root makes files in /sys/kernel, whichever way that is said: EPERM, EACCES or EROFS. */
it.for(['/sys/kernel', '/sys/kernel/chorus'])('refuses a directory that cannot be written: %s', async (directory) => {
  expect(await problemAt(directory)).toMatchObject({
    code: 'read_only',
    remedy: 'Let this user write there, or choose another directory with --state-dir.',
  });
});

it('refuses a file in place of the directory, and a directory in place of the file', async () => {
  const directory = storeDirectory();
  writeFileSync(join(directory, 'file'), '');
  expect(await problemAt(join(directory, 'file'))).toMatchObject({ code: 'cannot_open' });
  mkdirSync(join(directory, 'store.db'));
  expect(await problemAt(directory)).toMatchObject({
    code: 'cannot_open',
    message: `${join(directory, 'store.db')} cannot be opened: unable to open database file.`,
  });
});

it('refuses a network filesystem before it makes a database there', async () => {
  const directory = storeDirectory();
  const readFilesystem = async (): Promise<{ magic: number; fuseType: null }> => ({ magic: 0x6969, fuseType: null });
  expect(await problemAt(directory, { readFilesystem })).toEqual({
    code: 'network_filesystem',
    message: `${directory} lies on a network filesystem (NFS), which cannot hold the store safely.`,
    remedy: 'Choose a directory on a local disk with --state-dir.',
  });
  expect(existsSync(join(directory, 'store.db'))).toBe(false);
});

it('opens the copy of a store', async () => {
  const [from, to] = [storeDirectory(), storeDirectory()];
  const store = await openStore({ directory: from });
  await store.put(turn('a', 1));
  await store.close();
  copyFileSync(join(from, 'store.db'), join(to, 'store.db'));
  const copy = await openStore({ directory: to });
  expect((await copy.get('default', 'a1'))?.json).toBe(turn('a', 1).json);
});
