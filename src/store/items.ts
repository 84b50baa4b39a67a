import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Bodies } from './bodies.ts';
import { decodeBody, holdSameText } from './body.ts';
import type { PackedItem } from './messages.ts';

/**
 * Goes from the turns that list a body to those behind them, and no further than to the first that has not expired. The
 * order is given (CROSS JOIN): SQLite's own is to begin with every response of every project that has not expired.
 */
const ANY_LIVING = `
  WITH RECURSIVE reached (turn) AS (
    SELECT turn FROM item_uses WHERE body = ?
    UNION
    SELECT key FROM turns JOIN reached ON turns.parent = reached.turn
  )
  SELECT 1 FROM reached CROSS JOIN responses USING (turn) WHERE expires_at > ? LIMIT 1
`;

/** Which item an id means, and which turns list an item: one that no turn lists any more is removed. */
export class Items {
  readonly #bodies: Bodies;
  readonly #newest: StatementSync;
  readonly #versions: StatementSync;
  readonly #anyLiving: StatementSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #addUse: StatementSync;
  readonly #removeUse: StatementSync;
  readonly #anyUse: StatementSync;

  constructor(database: DatabaseSync, bodies: Bodies) {
    this.#bodies = bodies;
    this.#newest = database.prepare(
      'SELECT body, version FROM items WHERE project = ? AND id = ? ORDER BY version DESC LIMIT 1',
    );
    this.#versions = database.prepare('SELECT body FROM items WHERE project = ? AND id = ? ORDER BY version DESC');
    this.#anyLiving = database.prepare(ANY_LIVING);
    this.#insert = database.prepare('INSERT INTO items (project, id, version, body) VALUES (?, ?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM items WHERE project = ? AND id = ? AND body = ?');
    this.#addUse = database.prepare('INSERT OR IGNORE INTO item_uses (body, turn) VALUES (?, ?)');
    this.#removeUse = database.prepare('DELETE FROM item_uses WHERE body = ? AND turn = ?');
    this.#anyUse = database.prepare('SELECT 1 FROM item_uses WHERE body = ? LIMIT 1');
  }

  /** The body of the newest item with this id that an unexpired response has in its context; null for none. */
  findLiving(project: string, id: string, nowMs: number): number | null {
    const versions = this.#versions.all(project, id) as { body: number }[];
    return versions.find(({ body }) => this.#anyLiving.get(body, nowMs) !== undefined)?.body ?? null;
  }

  /** The body of the item, which is stored unless the newest with its id has the same JSON. */
  keep(project: string, item: PackedItem): number {
    const known = this.#find(project, item.id);
    if (known !== null && holdSameText(this.#bodies.read(known.body), item.body)) return known.body;
    const body = this.#bodies.keep(item.body);
    this.#insert.run(project, item.id, (known?.version ?? 0) + 1, body);
    return body;
  }

  /** Notes that `turn` lists these items. */
  use(turn: number, bodies: readonly number[]): void {
    for (const body of bodies) this.#addUse.run(body, turn);
  }

  /** Notes that `turn` lists them no more, and removes those that no turn lists. */
  letGo(project: string, turn: number, bodies: readonly number[]): void {
    for (const body of new Set(bodies)) {
      this.#removeUse.run(body, turn);
      if (this.#anyUse.get(body) === undefined) this.#forget(project, body);
    }
  }

  #forget(project: string, body: number): void {
    const { id } = decodeBody(this.#bodies.read(body));
    this.#remove.run(project, id, body);
    this.#bodies.release(body);
  }

  #find(project: string, id: string): { readonly body: number; readonly version: number } | null {
    const row = this.#newest.get(project, id);
    return row === undefined ? null : (row as { body: number; version: number });
  }
}
