import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { formatBytes, MiB } from '../domain/units.ts';
import { StoreError } from './response-store.ts';

/** One statement for a whole context costs less than one for each of its items. */
const SELECT_ALL = 'SELECT bytes FROM json_each(?) CROSS JOIN bodies ON bodies.key = value ORDER BY json_each.key';
/** Reads no body: how long each is stands before it. */
const SIZE_OF_ALL =
  'SELECT coalesce(sum(length(bytes)), 0) AS size FROM json_each(?) CROSS JOIN bodies ON bodies.key = value';

/** What one request may bring into memory, however many turns it took to store it. */
const MAX_READ_BYTES = 64 * MiB;

/**
 * The texts in the file, each in a place of its own. A place is never removed: SQLite moves neighbours when a row goes,
 * and leaves copies of them in the unused part of pages, where a later deletion does not find them. Instead a freed
 * place is overwritten with zeros, which happens where it lies because its size stays, and waits for a text of its size.
 */
export class Bodies {
  readonly #insert: StatementSync;
  readonly #overwrite: StatementSync;
  readonly #select: StatementSync;
  readonly #selectAll: StatementSync;
  readonly #sizeOfAll: StatementSync;
  readonly #size: StatementSync;
  readonly #takeFree: StatementSync;
  readonly #addFree: StatementSync;
  readonly #sizes: StatementSync;
  /** Sizes of which there may be a free place: without deletions there is none to ask for. */
  #freeSizes: Set<number> = new Set();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO bodies (bytes) VALUES (?)');
    this.#overwrite = database.prepare('UPDATE bodies SET bytes = ? WHERE key = ?');
    this.#select = database.prepare('SELECT bytes FROM bodies WHERE key = ?');
    this.#select.setReturnArrays(true);
    this.#selectAll = database.prepare(SELECT_ALL);
    this.#selectAll.setReturnArrays(true);
    this.#sizeOfAll = database.prepare(SIZE_OF_ALL);
    this.#size = database.prepare('SELECT length(bytes) AS size FROM bodies WHERE key = ?');
    this.#takeFree = database.prepare(
      'DELETE FROM free_bodies WHERE (size, key) = (SELECT size, key FROM free_bodies WHERE size = ? LIMIT 1) RETURNING key',
    );
    this.#addFree = database.prepare('INSERT INTO free_bodies (size, key) VALUES (?, ?)');
    this.#sizes = database.prepare('SELECT DISTINCT size FROM free_bodies');
    this.lookForFree();
  }

  /** Keeps `body` and returns its key, which may be one that `release` has freed. */
  keep(body: Uint8Array): number {
    const key = this.#freeSizes.has(body.length) ? this.#take(body.length) : null;
    if (key === null) return Number(this.#insert.run(body).lastInsertRowid);
    this.#overwrite.run(body, key);
    return key;
  }

  /** Call it after a rollback: places that were taken are free again. */
  lookForFree(): void {
    this.#freeSizes = new Set(this.#sizes.all().map(({ size }) => size as number));
  }

  #take(size: number): number | null {
    const taken = this.#takeFree.get(size);
    if (taken === undefined) this.#freeSizes.delete(size);
    return taken === undefined ? null : (taken['key'] as number);
  }

  /** Throws `corrupt` when there is no such body. */
  read(key: number): Uint8Array {
    const row = this.#select.get(key) as unknown as readonly [Uint8Array] | undefined;
    if (row === undefined) throw new StoreError('corrupt', `The store's file has lost body ${key}.`);
    return row[0];
  }

  /** Those of many keys, in their order; throws `corrupt` when one is missing, `too_large` before too much is read. */
  readAll(keys: readonly number[]): Uint8Array[] {
    const list = `[${keys.join(',')}]`;
    const { size } = this.#sizeOfAll.get(list) as { size: number };
    if (size > MAX_READ_BYTES) {
      throw new StoreError('too_large', `It takes more than the ${formatBytes(MAX_READ_BYTES)} that are read at once.`);
    }
    const rows = this.#selectAll.all(list) as unknown as (readonly [Uint8Array])[];
    if (rows.length !== keys.length) throw new StoreError('corrupt', "The store's file has lost a body.");
    return rows.map(([bytes]) => bytes);
  }

  /** Leaves only zeros of it. Nothing may refer to `key` any more. */
  release(key: number): void {
    const { size } = this.#size.get(key) as { size: number };
    this.#overwrite.run(new Uint8Array(size), key);
    this.#addFree.run(size, key);
    this.#freeSizes.add(size);
  }
}
