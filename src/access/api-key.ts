import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { readOrMakeSecret, readSecret } from './secret-file.ts';

/** A key of the server itself, and where a person finds it. */
export interface ServerKey {
  readonly key: string;
  readonly file: string;
}

interface KeySource {
  /** The file that was named for it; null: `api-key` in the state directory. */
  readonly file: string | null;
  readonly stateDir: string;
  /** Nobody could be told from anybody without it: such a server is never without a key. */
  readonly required: boolean;
}

/**
 * The key that callers must present. Without a file that was named, it is the state directory's: a public bind makes
 * one there (mode 0600), a loopback bind without one is keyless and gives null. Throws a `Refusal` when a named file is
 * not there, when a file holds no usable key, or when none can be made.
 */
export function readApiKey({ file: named, stateDir, required }: KeySource): ServerKey | null {
  const file = named ?? join(stateDir, 'api-key');
  const key = required && named === null ? readOrMakeSecret(file, makeKey) : readSecret(file);
  if (key === null && named !== null) throw new Refusal('config', `${named} (server.api_key_file) is not there.`);
  return key === null ? null : { key, file };
}

/**
 * The key that opens `/admin`: of the file that was named, or `admin-key` in the state directory, where it is made. Throws
 * a `Refusal` as `readApiKey` does.
 */
export function readAdminKey({ file: named, stateDir }: Omit<KeySource, 'required'>): ServerKey {
  const file = named ?? join(stateDir, 'admin-key');
  const key = named === null ? readOrMakeSecret(file, makeKey) : readSecret(file);
  if (key === null) throw new Refusal('config', `${file} (server.admin_key_file) is not there.`);
  return { key, file };
}

/** A new key: 192 random bits. */
export const makeKey = (): string => `sk-chorus-${randomBytes(24).toString('base64url')}`;
