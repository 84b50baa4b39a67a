import { chownSync, readFileSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import Value from 'typebox/value';
import { Refusal } from '../domain/refusal.ts';
import { EMPTY_BOOK, KeyBook } from './named-keys.ts';

/** The keys in `file`; none where it is missing. Throws a `Refusal` for one that cannot be used: it guards something. */
export function readKeyFile(file: string): KeyBook {
  const text = readText(file);
  if (text === null) return EMPTY_BOOK;
  const content = parse(file, text);
  const [error] = Value.Errors(KeyBook, content);
  if (error === undefined) return content as KeyBook;
  throw unreadable(file, `${error.instancePath || 'it'} ${error.message}`);
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw unreadable(file, message);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What JSON.parse says quotes the file.
    throw unreadable(file, 'it is no JSON');
  }
}

function unreadable(file: string, reason: string): Refusal {
  const message = `${file} holds the named keys and cannot be used: ${reason}. Put it right, or move it away: then its keys no longer work.`;
  return new Refusal('config', message);
}

/** Writes the keys in one step, for this user alone; on the disk when it resolves. Rejects when that fails. */
export async function writeKeyFile(file: string, book: KeyBook): Promise<void> {
  const part = `${file}.part`;
  try {
    await rm(part, { force: true });
    await writeSynced(part, `${JSON.stringify(book, null, 1)}\n`);
    giveToOwnerOf(dirname(file), part);
    await rename(part, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What root makes in the folder of a service, the service must be able to read. */
export function giveToOwnerOf(folder: string, file: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  chownSync(file, uid, gid);
}
