import { randomBytes } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { DEFAULT_PROJECT } from '../domain/caller.ts';
import { CodedError } from '../domain/errors.ts';
import { isLimited, MAX_LIMIT, NO_LIMITS, type Limits } from '../domain/limits.ts';
import { makeKey } from './api-key.ts';
import { digestOf } from './digest.ts';

const Limit = Type.Union([Type.Integer({ minimum: 1, maximum: MAX_LIMIT }), Type.Null()]);
const LimitsShape = Type.Object({ requestsPerMinute: Limit, tokensPerMinute: Limit, concurrent: Limit });
/** What a key and a project are called, in paths and in logs. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const ID_PREFIX = 'key_';
/** Beyond it there is no date (ECMA-262, time values): nobody could be told when a key ends. */
const LAST_MOMENT_MS = 8.64e15;

const NamedKey = Type.Object({
  id: Type.String({ pattern: '^key_[0-9a-f]{16}$' }),
  name: Type.String({ pattern: NAME.source }),
  project: Type.String({ pattern: NAME.source }),
  /** SHA-256 of the secret, in hex. */
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  createdAtMs: Type.Integer(),
  /** Null: it works until it is revoked. */
  expiresAtMs: Type.Union([Type.Integer(), Type.Null()]),
  limits: LimitsShape,
});

/** What `keys.json` holds. */
export const KeyBook = Type.Object({
  version: Type.Literal(1),
  /** There was a key: from then on nobody comes in without one, also when the last is revoked. */
  requiresKey: Type.Boolean(),
  keys: Type.Array(NamedKey),
  /** Limits of projects, where they have their own. */
  projects: Type.Record(Type.String({ pattern: NAME.source }), LimitsShape),
});

export type KeyBook = Static<typeof KeyBook>;
export type NamedKey = Static<typeof NamedKey>;

export const EMPTY_BOOK: KeyBook = { version: 1, requiresKey: false, keys: [], projects: {} };

/** A key as it is wanted; times are wall-clock. */
export interface KeyWish {
  readonly name: string;
  readonly project?: string | undefined;
  readonly expiresAtMs?: number | null | undefined;
  readonly limits?: Partial<Limits> | undefined;
}

/** A key as anyone may see it who may see keys: all but the secret and what could be compared with it. */
export type KeyView = Omit<NamedKey, 'hash'>;

/** Everything that an operator sees of keys. */
export interface KeyListing {
  readonly keys: readonly KeyView[];
  /** Limits of projects that have their own. */
  readonly projects: Readonly<Record<string, Limits>>;
}

export function listingOf({ keys, projects }: KeyBook): KeyListing {
  return { keys: keys.map(viewOf), projects };
}

export function viewOf({ hash: _hash, ...view }: NamedKey): KeyView {
  return view;
}

/** A book with one key more, and its secret, which nothing else remembers. Throws a `CodedError` that names the field. */
export function withKey(book: KeyBook, wish: KeyWish, nowMs: number): { book: KeyBook; key: NamedKey; secret: string } {
  const { name, project = DEFAULT_PROJECT, expiresAtMs = null, limits } = wish;
  refuseName(name, 'name');
  refuseName(project, 'project');
  if (book.keys.some((key) => key.name === name)) {
    const message = `There is a key '${name}' already. Revoke it first, or choose another name.`;
    throw new CodedError('invalid_value', message, { param: 'name' });
  }
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw new CodedError('invalid_value', 'expiresAtMs lies in the past.', { param: 'expiresAtMs' });
  }
  if (expiresAtMs !== null && expiresAtMs > LAST_MOMENT_MS) {
    const message = 'expiresAtMs is no moment of any calendar. Give milliseconds since 1970, or leave it out: never.';
    throw new CodedError('invalid_value', message, { param: 'expiresAtMs' });
  }
  const secret = makeKey();
  const id = ID_PREFIX + randomBytes(8).toString('hex');
  const hash = digestOf(secret).toString('hex');
  const key = { id, name, project, hash, createdAtMs: nowMs, expiresAtMs, limits: { ...NO_LIMITS, ...limits } };
  return { book: { ...book, requiresKey: true, keys: [...book.keys, key] }, key, secret };
}

/** A book without the key of this id or name. Throws a `CodedError` when there is none. */
export function withoutKey(book: KeyBook, idOrName: string): { book: KeyBook; key: NamedKey } {
  const key = book.keys.find(({ id, name }) => id === idOrName || name === idOrName);
  if (key !== undefined) return { book: { ...book, keys: book.keys.filter((one) => one !== key) }, key };
  const message = `There is no key '${idOrName.slice(0, 80)}'. \`chorus keys list\` shows them all.`;
  throw new CodedError('not_found', message, { param: 'key' });
}

/** A book in which the project has these limits of its own; none: it has those of the settings alone. */
export function withProjectLimits(book: KeyBook, project: string, limits: Limits): KeyBook {
  refuseName(project, 'project');
  const { [project]: _earlier, ...projects } = book.projects;
  return { ...book, projects: isLimited(limits) ? { ...projects, [project]: limits } : projects };
}

function refuseName(name: string, param: 'name' | 'project'): void {
  if (NAME.test(name) && !name.startsWith(ID_PREFIX)) return;
  const message = `Invalid ${param} '${name.slice(0, 80)}': use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit and not with '${ID_PREFIX}'.`;
  throw new CodedError('invalid_value', message, { param });
}
