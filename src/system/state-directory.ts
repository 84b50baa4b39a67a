import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { identify, isAlive, type ProcessIdentity } from './process-group.ts';
import { isForbidden, unreadable } from './unreadable.ts';

/** What `chorus status` needs to find a running server. */
export interface ServerRecord extends ProcessIdentity {
  readonly url: string;
  /** The file with the admin key, or null for a keyless server. */
  readonly keyFile: string | null;
}

const RECORD = 'server.json';

/** Makes the state directory, for this user alone, and tries to write there. Throws a `Refusal` when either fails. */
export function makeStateDirectory(stateDir: string): void {
  try {
    makeFolders(stateDir);
    tryWriting(join(stateDir, `probe.${process.pid}`));
  } catch (cause) {
    throw unusable(stateDir, cause);
  }
}

function unusable(stateDir: string, cause: unknown): Refusal {
  const message = `The state directory ${stateDir} cannot be used: ${(cause as Error).message}. Choose another with --state-dir.`;
  return new Refusal('cannotCreate', message, { cause });
}

/** A full disk still makes empty files: it shows only when something is written. */
function tryWriting(file: string): void {
  try {
    writeFileSync(file, 'chorus\n', { mode: 0o600 });
  } finally {
    rmSync(file, { force: true });
  }
}

/** Folder by folder: where the parent is there and takes no entries (/proc), `recursive` of `node:fs` never returns. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** The other server that lives and was announced in this state directory, or null. Throws as `readServerRecord` does. */
export function livingServer(stateDir: string): ServerRecord | null {
  const record = readServerRecord(stateDir);
  return record !== null && record.pid !== process.pid && isAlive(record) ? record : null;
}

/** Throws a `Refusal` when another server lives that was announced in this state directory. */
export function refuseSecondServer(stateDir: string): void {
  const server = livingServer(stateDir);
  if (server === null) return;
  const message = `Another Chorus (pid ${server.pid}, ${server.url}) runs with the state directory ${stateDir}. Stop it, or give this one its own with --state-dir.`;
  throw new Refusal('unavailable', message);
}

/**
 * Announces this process as a server in its state directory, in one step, so that no reader sees half a file. Throws a
 * `Refusal` when it cannot be written.
 */
export function writeServerRecord(stateDir: string, { url, keyFile }: Pick<ServerRecord, 'url' | 'keyFile'>): void {
  const record: ServerRecord = { ...identify(process.pid), url, keyFile };
  const temporary = join(stateDir, `${RECORD}.${record.pid}`);
  try {
    writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    renameSync(temporary, join(stateDir, RECORD));
  } catch (cause) {
    throw unusable(stateDir, cause);
  }
}

/**
 * The last announced server; null when there is none. It may have died since: ask it. Throws a `Refusal` where this user
 * may not know.
 */
export function readServerRecord(stateDir: string): ServerRecord | null {
  try {
    return JSON.parse(readFileSync(join(stateDir, RECORD), 'utf8')) as ServerRecord;
  } catch (error) {
    if (isForbidden(error)) throw unreadable(`The state directory ${stateDir}`, error);
    return null;
  }
}

/** Takes back what this process announced; another server's announcement stays. */
export function removeServerRecord(stateDir: string): void {
  if (isAnnounced(stateDir)) rmSync(join(stateDir, RECORD), { force: true });
}

/** Whether this process is. A server that may no longer read its state directory can still end in order. */
function isAnnounced(stateDir: string): boolean {
  try {
    return readServerRecord(stateDir)?.pid === process.pid;
  } catch {
    return false;
  }
}
