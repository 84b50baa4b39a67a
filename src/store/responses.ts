import type { DatabaseSync, StatementSync } from 'node:sqlite';

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
}

/** Which responses there are. Every look-up is one search of the index by project and id. */
export class Responses {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #remove: StatementSync;
  readonly #expired: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO responses (turn, project, id, created_at, expires_at, previous_response_id, root_date, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#select = database.prepare('SELECT * FROM responses WHERE project = ? AND id = ?');
    this.#remove = database.prepare('DELETE FROM responses WHERE turn = ?');
    this.#expired = database.prepare('SELECT * FROM responses WHERE expires_at <= ? ORDER BY expires_at LIMIT ?');
  }

  add(row: ResponseRow): void {
    const { turn, project, id, created_at, expires_at, previous_response_id, root_date, body } = row;
    this.#insert.run(turn, project, id, created_at, expires_at, previous_response_id, root_date, body);
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

  remove(turn: number): void {
    this.#remove.run(turn);
  }
}
