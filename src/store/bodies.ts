import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from './response-store.ts';

/**
 * The texts in the file, each in a place of its own. A place is never removed: SQLite moves neighbours when a row goes,
 * and leaves copies of them in the unused part of pages, where a later deletion does not find them. Instead a freed
 * place is overwritten with zeros, which happens where it lies because its size stays, and waits for a text of its size.
 */
export class Bodies {
  readonly #insert: StatementSync;
  readonly #overwrite: StatementSync;
  readonly #select: StatementSync;
  readonly #size: StatementSync;
  readonly #takeFree: StatementSync;
  readonly #addFree: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO bodies (bytes) VALUES (?)');
    this.#overwrite = database.prepare('UPDATE bodies SET bytes = ? WHERE key = ?');
    this.#select = database.prepare('SELECT bytes FROM bodies WHERE key = ?');
    this.#select.setReturnArrays(true);
    this.#size = database.prepare('SELECT length(bytes) AS size FROM bodies WHERE key = ?');
    this.#takeFree = database.prepare(
      'DELETE FROM free_bodies WHERE (size, key) = (SELECT size, key FROM free_bodies WHERE size = ? LIMIT 1) RETURNING key',
    );
    this.#addFree = database.prepare('INSERT INTO free_bodies (size, key) VALUES (?, ?)');
  }

  /** Keeps `body` and returns its key, which may be one that `release` has freed. */
  keep(body: Uint8Array): number {
    const free = this.#takeFree.get(body.length);
    if (free === undefined) return Number(this.#insert.run(body).lastInsertRowid);
    const key = free['key'] as number;
    this.#overwrite.run(body, key);
    return key;
  }

  /** Throws `corrupt` when there is no such body. */
  read(key: number): Uint8Array {
    const row = this.#select.get(key) as unknown as readonly [Uint8Array] | undefined;
    if (row === undefined) throw new StoreError('corrupt', `The store's file has lost body ${key}.`);
    return row[0];
  }

  /** Leaves only zeros of it. Nothing may refer to `key` any more. */
  release(key: number): void {
    const { size } = this.#size.get(key) as { size: number };
    this.#overwrite.run(new Uint8Array(size), key);
    this.#addFree.run(size, key);
  }
}
