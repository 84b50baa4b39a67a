import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Refusal } from '../domain/refusal.ts';
import { readOrMakeSecret } from './secret-file.ts';

/** Seals text that clients carry for us and must neither read nor forge. */
export interface Seal {
  readonly seal: (text: string) => string;
  /** The text, or null for what was not sealed with this key or was changed since. */
  readonly unseal: (sealed: string) => string | null;
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Names format and key generation, so that either may change. */
const PREFIX = 'chorus1.';

/** The seal of a state directory; its key is made at the first use and kept in `seal-key` (mode 0600). */
export function readSeal(stateDir: string): Seal {
  const file = join(stateDir, 'seal-key');
  const key = Buffer.from(
    readOrMakeSecret(file, () => randomBytes(KEY_BYTES).toString('base64url')),
    'base64url',
  );
  if (key.length !== KEY_BYTES) {
    throw new Refusal('config', `${file} does not hold a key of Chorus. Delete it and let Chorus make one.`);
  }
  return createSeal(key);
}

/** A seal with this key of 32 bytes. */
export function createSeal(key: Uint8Array): Seal {
  return {
    seal(text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce);
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return PREFIX + sealed.toString('base64url');
    },
    unseal(sealed) {
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url');
      if (!sealed.startsWith(PREFIX) || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
        return Buffer.concat(text).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}
