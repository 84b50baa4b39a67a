import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';

/** What `chorus status` needs to find a running server. */
export interface ServerRecord {
  readonly pid: number;
  readonly url: string;
  /** The file with the API key, or null for a keyless server. */
  readonly keyFile: string | null;
}

const RECORD = 'server.json';

/** Makes the state directory, for this user alone. Throws a `Refusal` when that is not possible. */
export function makeStateDirectory(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const message = `The state directory ${stateDir} cannot be made: ${(cause as Error).message}. Choose another with --state-dir.`;
    throw new Refusal('cannotCreate', message, { cause });
  }
}

/** Announces this server in its state directory, in one step, so that no reader sees half a file. */
export function writeServerRecord(stateDir: string, record: ServerRecord): void {
  const temporary = join(stateDir, `${RECORD}.${record.pid}`);
  writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(temporary, join(stateDir, RECORD));
}

/** The last announced server; null when there is none. It may have died since: ask it. */
export function readServerRecord(stateDir: string): ServerRecord | null {
  try {
    return JSON.parse(readFileSync(join(stateDir, RECORD), 'utf8')) as ServerRecord;
  } catch {
    return null;
  }
}

export function removeServerRecord(stateDir: string): void {
  rmSync(join(stateDir, RECORD), { force: true });
}
