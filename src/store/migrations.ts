/**
 * The schema's history: number N (from 1) leads from `user_version` N - 1 to N. A migration that was released is never
 * changed; a new one is added.
 *
 * A turn is one step of a conversation; it lives while a response or a later turn needs it, so that the deletion of a
 * response leaves its descendants whole. `input`, `output` and `earlier` are lists of body keys (`packKeys`); `earlier`,
 * on some turns, is the whole context before the turn (`turns.ts`). A body has no project because its size never
 * changes (`bodies.ts`); keys of bodies are found only through rows that have one. Times are Unix milliseconds.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE bodies (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE free_bodies (
    size INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (size, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE turns (
    key INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    parent INTEGER REFERENCES turns (key),
    depth INTEGER NOT NULL,
    input BLOB NOT NULL,
    output BLOB NOT NULL,
    earlier BLOB
  ) STRICT;
  CREATE INDEX turns_by_parent ON turns (parent);
  CREATE TABLE responses (
    turn INTEGER PRIMARY KEY REFERENCES turns (key),
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    previous_response_id TEXT,
    root_date TEXT NOT NULL,
    body INTEGER NOT NULL,
    UNIQUE (project, id)
  ) STRICT;
  CREATE INDEX responses_by_expiry ON responses (expires_at);
  CREATE TABLE items (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body INTEGER NOT NULL,
    PRIMARY KEY (project, id, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE item_uses (
    body INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (body, turn)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE runs (
    project TEXT NOT NULL,
    response_id TEXT NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (project, response_id)
  ) STRICT, WITHOUT ROWID;
  `,
  `ALTER TABLE responses ADD COLUMN status TEXT NOT NULL DEFAULT 'completed';`,
];
