import { join } from 'node:path';
import { timingSafeEqual } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';
import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import { isLimited, NO_LIMITS, type Limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { takeFileLock, type FileLock } from '../system/file-lock.ts';
import { giveToOwnerOf, readKeyFile, writeKeyFile } from './key-file.ts';
import {
  listingOf,
  viewOf,
  withKey,
  withoutKey,
  withProjectLimits,
  type KeyBook,
  type KeyListing,
  type KeyView,
  type KeyWish,
  type NamedKey,
} from './named-keys.ts';

/** A key that was just made: the one time that its secret is seen. */
export interface NewKey extends KeyView {
  readonly key: string;
}

interface KeyRingPlace {
  readonly stateDir: string;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** A key as requests are compared with it. */
interface HeldKey {
  readonly digest: Buffer;
  readonly caller: Caller;
  readonly key: NamedKey;
}

const KEY_FILE = 'keys.json';
/** A write takes milliseconds; who holds the lock for longer is a server. */
const LOCK_WAIT_MS = 2000;

/**
 * The named keys of a state directory, in `keys.json`. Whoever has them open is the only writer, by a lock on
 * `keys.lock`: a running server for its whole life, a command for its one change. Changes are made one after another and
 * hold once they are on the disk; one that cannot be written changes nothing.
 */
export class KeyRing {
  readonly #file: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #lock: FileLock;
  #book: KeyBook;
  #held: ReadonlyMap<string, HeldKey> = new Map();
  #keyLimits: ReadonlyMap<string, Limits> = new Map();
  #projectLimits: ReadonlyMap<string, Limits> = new Map();
  #lastChange: Promise<unknown> = Promise.resolve();
  #onChange = (): void => {};

  /** Throws a `Refusal` when another process has them open, or when `keys.json` cannot be used. */
  constructor({ stateDir, clock }: KeyRingPlace) {
    this.#file = join(stateDir, KEY_FILE);
    this.#clock = clock;
    this.#lock = lockKeys(stateDir);
    try {
      this.#book = readKeyFile(this.#file);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.#index();
  }

  /** There is or was a named key: callers need one. */
  get requiresKey(): boolean {
    return this.#book.requiresKey;
  }

  get listing(): KeyListing {
    return listingOf(this.#book);
  }

  /** Whose key has this digest (see `digestOf`). */
  find(digest: Buffer): Caller | 'expired' | null {
    const held = this.#held.get(digest.toString('latin1'));
    if (held === undefined || !timingSafeEqual(held.digest, digest)) return null;
    const { expiresAtMs } = held.key;
    return expiresAtMs !== null && expiresAtMs <= this.#clock.nowMs() ? 'expired' : held.caller;
  }

  /** Whether any key or project has limits of its own. */
  get hasLimits(): boolean {
    return [...this.#keyLimits.values(), ...this.#projectLimits.values()].some(isLimited);
  }

  limitsOfKey(keyId: string): Limits {
    return this.#keyLimits.get(keyId) ?? NO_LIMITS;
  }

  limitsOfProject(project: string): Limits {
    return this.#projectLimits.get(project) ?? NO_LIMITS;
  }

  /** Calls `listener` after every change. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Rejects with a `CodedError` that names the field at fault. */
  create(wish: KeyWish): Promise<NewKey> {
    return this.#change((before) => {
      const { book, key, secret } = withKey(before, wish, this.#clock.nowMs());
      return { book, result: { ...viewOf(key), key: secret } };
    });
  }

  /** The key stops working for every request that begins from then on. Rejects with a `CodedError` for one there is not. */
  revoke(idOrName: string): Promise<KeyView> {
    return this.#change((before) => {
      const { book, key } = withoutKey(before, idOrName);
      return { book, result: viewOf(key) };
    });
  }

  /** Gives a project limits of its own in the place of those of the settings, each for each; none: takes them back. */
  limitProject(project: string, limits: Partial<Limits>): Promise<Limits> {
    const own = { ...NO_LIMITS, ...limits };
    return this.#change((before) => ({ book: withProjectLimits(before, project, own), result: own }));
  }

  /** Lets others write. */
  async close(): Promise<void> {
    await this.#lastChange;
    this.#lock.release();
  }

  #change<T>(make: (before: KeyBook) => { readonly book: KeyBook; readonly result: T }): Promise<T> {
    const changed = this.#lastChange.then(async () => {
      const { book, result } = make(this.#book);
      await this.#write(book);
      this.#book = book;
      this.#index();
      this.#onChange();
      return result;
    });
    this.#lastChange = changed.catch(() => undefined);
    return changed;
  }

  async #write(book: KeyBook): Promise<void> {
    try {
      await writeKeyFile(this.#file, book);
    } catch (cause) {
      const message = `Nothing is changed: ${this.#file} cannot be written: ${(cause as Error).message}.`;
      throw new CodedError('internal', message, { cause });
    }
  }

  #index(): void {
    this.#held = new Map(
      this.#book.keys.map((key) => {
        const digest = Buffer.from(key.hash, 'hex');
        return [digest.toString('latin1'), { digest, key, caller: { project: key.project, keyId: key.id } }];
      }),
    );
    this.#keyLimits = new Map(this.#book.keys.map(({ id, limits }) => [id, limits]));
    this.#projectLimits = new Map(Object.entries(this.#book.projects));
  }
}

/** Whether a state directory has named keys, as its file says. Throws a `Refusal` where that cannot be used. */
export function hasNamedKeys(stateDir: string): boolean {
  return readKeyFile(join(stateDir, KEY_FILE)).keys.length > 0;
}

function lockKeys(stateDir: string): FileLock {
  const file = join(stateDir, 'keys.lock');
  const lock = tryLock(file);
  if (lock === null) {
    const message = `The keys in ${stateDir} are in use: a Chorus there is just starting or ending, or runs where this command cannot see it. Try again, or ask it itself (/admin/keys).`;
    throw new Refusal('temporary', message);
  }
  giveToOwnerOf(stateDir, file);
  return lock;
}

function tryLock(file: string): FileLock | null {
  try {
    return takeFileLock(file, LOCK_WAIT_MS);
  } catch (cause) {
    throw new Refusal('cannotCreate', `${file} cannot be locked: ${(cause as Error).message}.`, { cause });
  }
}
