import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readOrMakeSecret, readSecret } from './secret-file.ts';

/** The key that callers must present, and where a person finds it. */
export interface ApiKey {
  readonly key: string;
  readonly file: string;
}

/**
 * The key of a state directory. A public bind without one makes it (mode 0600); a loopback bind without one is
 * keyless and gives null. Throws a `Refusal` when the file is there but holds no usable key, or cannot be made.
 */
export function readApiKey(stateDir: string, { required }: { required: boolean }): ApiKey | null {
  const file = join(stateDir, 'api-key');
  const key = required ? readOrMakeSecret(file, makeKey) : readSecret(file);
  return key === null ? null : { key, file };
}

const makeKey = (): string => `sk-chorus-${randomBytes(24).toString('base64url')}`;
