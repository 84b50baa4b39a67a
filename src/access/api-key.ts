import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The key that callers must present, and where a person finds it. */
export interface ApiKey {
  readonly key: string;
  readonly file: string;
}

const FILE_NAME = 'api-key';

/**
 * The key of a state directory. A public bind without one makes it (mode 0600); a loopback bind without one is
 * keyless and gives null. Throws when the file is there but empty or unreadable: a guard is never dropped in silence.
 */
export function readApiKey(stateDir: string, { required }: { required: boolean }): ApiKey | null {
  const file = join(stateDir, FILE_NAME);
  const existing = readKeyFile(file);
  if (existing !== null) return { key: existing, file };
  return required ? { key: makeKeyFile(file), file } : null;
}

function readKeyFile(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (text === '') throw new Error(`${file} is empty. Put a key into it, or delete it and let Chorus make one.`);
  return text;
}

function makeKeyFile(file: string): string {
  const key = `sk-chorus-${randomBytes(24).toString('base64url')}`;
  const descriptor = openSync(file, 'wx', 0o600);
  writeSync(descriptor, `${key}\n`);
  closeSync(descriptor);
  return key;
}
