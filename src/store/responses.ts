import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ResponseStatus } from './response-store.ts';

/** A row of `responses`, under the names of its columns. */
export interface ResponseRow {
  readonly turn: number;
  readonly project: string;
  readonly id: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly previous_response_id: string | null;
  readonly root_date: string;
  readonly body: number;
  readonly status: ResponseStatus;
}

/** Which responses there are. Every look-up is one search of the index by project and id. */
export class Responses {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #remove: StatementSync;
  readonly #expired: StatementSync;
  readonly #count: StatementSync;
  readonly #nextExpiry: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO responses (turn, project, id, created_at, expires_at, previous_response_id, root_date, body, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#select = database.prepare('SELECT * FROM responses WHERE project = ? AND id = ?');
    this.#remove = database.prepare('DELETE FROM responses WHERE turn = ?');
    this.#expired = database.prepare('SELECT * FROM responses WHERE expires_at <= ? ORDER BY expires_at LIMIT ?');
    this.#count = database.prepare('SELECT count(*) AS count FROM responses');
    this.#nextExpiry = database.prepare('SELECT min(expires_at) AS expires_at FROM responses');
  }

  add(row: ResponseRow): void {
    const { turn, project, id, created_at, expires_at, previous_response_id, root_date, body, status } = row;
    this.#insert.run(turn, project, id, created_at, expires_at, previous_response_id, root_date, body, status);
  }

  /** The response, expired or not. */
  find(project: string, id: string): ResponseRow | null {
    const row = this.#select.get(project, id);
    return row === undefined ? null : (row as unknown as ResponseRow);
  }

  /** The response, unless it has expired by `nowMs`. */
  findLiving(project: string, id: string, nowMs: number): ResponseRow | null {
    const row = this.find(project, id);
    return row === null || row.expires_at <= nowMs ? null : row;
  }

  /** At most `limit` that have expired by `nowMs`, the oldest first. */
  expired(nowMs: number, limit: number): ResponseRow[] {
    return this.#expired.all(nowMs, limit) as unknown as ResponseRow[];
  }

  count(): number {
    return this.#count.get()?.['count'] as number;
  }

  /** When the next one expires, in Unix milliseconds; null when there is none. */
  nextExpiryMs(): number | null {
    return this.#nextExpiry.get()?.['expires_at'] as number | null;
  }

  remove(turn: number): void {
    this.#remove.run(turn);
  }
}
