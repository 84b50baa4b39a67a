import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * The secret in `file`, without surrounding blanks; null when there is no such file. Throws when it is empty or
 * unreadable: a guard is never dropped in silence.
 */
export function readSecret(file: string): string | null {
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

/** The same, or a new secret from `make`, written so that only this user can read it. */
export function readOrMakeSecret(file: string, make: () => string): string {
  const existing = readSecret(file);
  if (existing !== null) return existing;
  const secret = make();
  const descriptor = openSync(file, 'wx', 0o600);
  writeSync(descriptor, `${secret}\n`);
  closeSync(descriptor);
  return secret;
}
