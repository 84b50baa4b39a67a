import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Refusal } from '../domain/refusal.ts';

/** What an HTTP header can carry after `Bearer`: visible ASCII, no blanks. */
const USABLE = /^[\x21-\x7e]+$/;

/**
 * The secret in `file`, without surrounding blanks; null when there is no such file. Throws a `Refusal` when it is
 * empty, unreadable or nothing that a client could send: a guard is never dropped in silence.
 */
export function readSecret(file: string): string | null {
  const text = readText(file)?.trim() ?? null;
  if (text === '') {
    throw new Refusal('config', `${file} is empty. Put a key into it, or delete it and let Chorus make one.`);
  }
  if (text !== null && !USABLE.test(text)) {
    const message = `${file} holds a key that no client can send: a key is one word of letters, digits and signs (ASCII), without blanks inside.`;
    throw new Refusal('config', message);
  }
  return text;
}

/** The same, or a new secret from `make`, written so that only this user can read it. */
export function readOrMakeSecret(file: string, make: () => string): string {
  const existing = readSecret(file);
  if (existing !== null) return existing;
  const secret = make();
  try {
    writeFileSync(file, `${secret}\n`, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    // Half a key from a full disk would count as one at the next start; another process's key is not ours to remove.
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(file, { force: true });
    throw new Refusal('cannotCreate', `${file} cannot be written: ${(cause as Error).message}.`, { cause });
  }
  return secret;
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new Refusal('config', `${file} cannot be read: ${message}.`, { cause });
  }
}
