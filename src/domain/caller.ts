import type { Secret } from './secret.ts';

/** Who sends a request. */
export interface Caller {
  /** What its stored responses, limits, prefix cache and usage hang on, so that a key can be changed and nothing is lost. */
  readonly project: string;
  /** The key that was presented; null where the server asks for none. */
  readonly keyId: string | null;
  /** The `Authorization` header as it came, where an engine elsewhere is to have it. */
  readonly authorization?: Secret;
}

/** The project of a server without named keys. */
export const DEFAULT_PROJECT = 'default';
