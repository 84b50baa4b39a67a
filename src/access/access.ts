import { timingSafeEqual } from 'node:crypto';
import { DEFAULT_PROJECT, type Caller } from '../domain/caller.ts';
import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { readAdminKey, readApiKey, type ServerKey } from './api-key.ts';
import { digestOf } from './digest.ts';
import { KeyRing, type NewKey } from './key-ring.ts';
import type { KeyWish } from './named-keys.ts';
import { RateLimits } from './rate-limits.ts';

export interface AccessOptions {
  readonly stateDir: string;
  /** Files with the keys of the server itself; null: those of the state directory. */
  readonly apiKeyFile: string | null;
  readonly adminKeyFile: string | null;
  /** Other machines reach the address: nobody comes in without a key. */
  readonly isPublic: boolean;
  /** No key is asked for, whatever keys there are; not on a public address. */
  readonly noKey: boolean;
  /** Limits of projects that have none of their own. */
  readonly limits: Limits;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Whose key it is: a caller's, the operator's, one whose time is over, or nobody's. */
export type KeyHolder = Caller | 'admin' | 'expired' | null;

/** The key of the server itself is a key of the project that a server without keys has. */
const SERVER_KEY_CALLER: Caller = { project: DEFAULT_PROJECT, keyId: 'api-key' };

/**
 * Who may do what on a running server. Callers need a key on a public address, where the server has one in a file, and
 * where a named key was ever made; the operator's key is another, and is made as soon as callers need one.
 */
export class Access {
  readonly keys: KeyRing;
  readonly limits: RateLimits;
  /** The server's own key for callers; null where there are only named ones, or none. */
  readonly apiKey: ServerKey | null;
  readonly #options: AccessOptions;
  readonly #apiDigest: Buffer | null;
  #onGuarded = (): void => {};
  #adminKey: ServerKey | null = null;
  #adminDigest: Buffer | null = null;

  /** Throws a `Refusal` when a key file cannot be used: a guard is never dropped in silence. */
  constructor(options: AccessOptions) {
    this.#options = options;
    this.keys = new KeyRing(options);
    try {
      this.apiKey = this.#readApiKey();
      this.#apiDigest = this.apiKey && digestOf(this.apiKey.key);
      if (!this.isKeyless) this.#needAdminKey();
    } catch (error) {
      void this.keys.close();
      throw error;
    }
    this.limits = new RateLimits(this.keys, options.limits);
    this.keys.onChange(() => this.limits.refresh());
  }

  /** Nobody needs a key. The first named key ends it. */
  get isKeyless(): boolean {
    return this.#options.noKey || (this.apiKey === null && !this.keys.requiresKey);
  }

  /** Where the operator's key is; null where nobody needs one. */
  get adminKeyFile(): string | null {
    return this.isKeyless ? null : (this.#adminKey?.file ?? null);
  }

  holderOf(secret: string): KeyHolder {
    const digest = digestOf(secret);
    if (this.#apiDigest !== null && timingSafeEqual(this.#apiDigest, digest)) return SERVER_KEY_CALLER;
    if (this.#adminDigest !== null && timingSafeEqual(this.#adminDigest, digest)) return 'admin';
    return this.keys.find(digest);
  }

  /** As the key ring does it. The operator's key is there before anybody needs it. */
  async createKey(wish: KeyWish): Promise<NewKey> {
    try {
      if (!this.#options.noKey) this.#needAdminKey();
    } catch (cause) {
      throw new CodedError('internal', `No key is made. ${(cause as Error).message}`, { cause });
    }
    const wasKeyless = this.isKeyless;
    const made = await this.keys.create(wish);
    if (wasKeyless) this.#onGuarded();
    return made;
  }

  /** Calls `listener` when callers need a key that needed none before. */
  onGuarded(listener: () => void): void {
    this.#onGuarded = listener;
  }

  close(): Promise<void> {
    return this.keys.close();
  }

  #readApiKey(): ServerKey | null {
    const { apiKeyFile: file, stateDir, isPublic, noKey } = this.#options;
    return noKey ? null : readApiKey({ file, stateDir, required: isPublic && !this.keys.requiresKey });
  }

  #needAdminKey(): void {
    const { adminKeyFile: file, stateDir } = this.#options;
    this.#adminKey ??= readAdminKey({ file, stateDir });
    this.#adminDigest = digestOf(this.#adminKey.key);
    if (this.apiKey?.key !== this.#adminKey.key) return;
    const message = `${this.apiKey.file} and ${this.#adminKey.file} hold the same key. The operator's must be another than the callers'.`;
    throw new Refusal('config', message);
  }
}
