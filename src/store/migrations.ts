/**
 * The schema's history: number N (from 1) leads from `user_version` N - 1 to N. A migration that was released is never
 * changed; a new one is added.
 *
 * A turn is one step of a conversation; it lives while a response or a later turn needs it, so that the deletion of a
 * response leaves its descendants whole. `input`, `output` and `earlier` are lists of body keys (`packKeys`); `earlier`,
 * on some turns, is the whole context before the turn (`turns.ts`). A body has no project because its size never
 * changes (`bodies.ts`); keys of bodies are found only through rows that have one. Times are Unix milliseconds.
 *
 * A row of `usage` is a turn that ended, and is only ever appended: its words are few and stand once in `usage_labels`,
 * and instead of an index by time there is the first position of each day (whole days since 1970, UTC).
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
  `
  CREATE TABLE usage (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    label INTEGER NOT NULL REFERENCES usage_labels (key),
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    first_output_ms INTEGER,
    duration_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE usage_labels (
    key INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    key_id TEXT,
    api TEXT NOT NULL,
    model TEXT NOT NULL,
    is_stream INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT,
    is_simulated INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX usage_labels_by_key ON usage_labels (project, key_id);
  CREATE TABLE usage_days (day INTEGER PRIMARY KEY, first_position INTEGER NOT NULL) STRICT;
  CREATE TABLE usage_delivery (position INTEGER NOT NULL) STRICT;
  INSERT INTO usage_delivery (position) VALUES (0);
  `,
];
