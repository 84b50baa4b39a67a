import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { DAY_MS } from '../domain/units.ts';
import type { UsageFilter, UsageRow, UsageState, UsageSums, UsageSweep } from './usage-ledger.ts';

/** A look covers so many positions, whatever it finds: a few milliseconds, in which nothing is written. */
const LOOK_POSITIONS = 5000;
/** Labels that are remembered; a server with more looks some of them up again. */
const REMEMBERED_LABELS = 4096;

/** Where a look begins, and what it looks for. */
export interface UsageLook {
  readonly filter: UsageFilter;
  /** The position behind which it begins. */
  readonly after: number;
}

/** What a look found, and where the next one begins; null: it has come to the end. */
export interface Looked<Found> {
  readonly found: readonly Found[];
  readonly next: number | null;
}

/** A row under the names of its columns. */
export interface UsageRecord {
  readonly position: number;
  readonly id: string;
  readonly endedAtMs: number;
  readonly project: string;
  readonly keyId: string | null;
  readonly api: string;
  readonly model: string;
  readonly isStream: number;
  readonly outcome: string;
  readonly error: string | null;
  readonly isSimulated: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  readonly firstOutputMs: number | null;
  readonly durationMs: number;
}

/** Rows of one day that have all words in common, added up. */
export interface UsagePart extends UsageSums {
  readonly day: number;
  readonly project: string;
  readonly keyId: string | null;
  readonly model: string;
  readonly api: string;
}

/** The rows of one look (`Wanted`). Positions lead: the planner must not begin with the labels. */
const WANTED = `
  position > ?1 AND position <= ?2 AND ended_at >= ?3 AND ended_at < ?4 AND +label IN (
    SELECT key FROM usage_labels WHERE (?5 IS NULL OR project = ?5) AND (?6 IS NULL OR key_id = ?6)
  )
`;
const RECORDS = `
  SELECT position, id, ended_at AS endedAtMs, project, key_id AS keyId, api, model, is_stream AS isStream, outcome, error,
    is_simulated AS isSimulated, input_tokens AS inputTokens, cached_tokens AS cachedTokens,
    output_tokens AS outputTokens, reasoning_tokens AS reasoningTokens, first_output_ms AS firstOutputMs,
    duration_ms AS durationMs
  FROM usage CROSS JOIN usage_labels ON usage_labels.key = label
  WHERE ${WANTED} ORDER BY position LIMIT ?7
`;
const PARTS = `
  SELECT day, project, key_id AS keyId, model, api, requests, requests * (outcome = 'failed') AS failed,
    requests * (outcome = 'aborted') AS aborted, requests * is_simulated AS simulated,
    inputTokens, cachedTokens, outputTokens, reasoningTokens
  FROM (
    SELECT ended_at / ${DAY_MS} AS day, label, count(*) AS requests, sum(input_tokens) AS inputTokens,
      sum(cached_tokens) AS cachedTokens, sum(output_tokens) AS outputTokens, sum(reasoning_tokens) AS reasoningTokens
    FROM usage WHERE ${WANTED} GROUP BY day, label
  )
  JOIN usage_labels ON usage_labels.key = label
`;

/** The ledger's tables. A row is one append; what it names is interned. */
export class Usage {
  readonly #insert: StatementSync;
  readonly #findLabel: StatementSync;
  readonly #insertLabel: StatementSync;
  readonly #insertDay: StatementSync;
  readonly #records: StatementSync;
  readonly #parts: StatementSync;
  readonly #firstSince: StatementSync;
  readonly #ends: StatementSync;
  readonly #delivered: StatementSync;
  readonly #next: StatementSync;
  readonly #deliver: StatementSync;
  readonly #oldest: StatementSync;
  readonly #remove: StatementSync;
  readonly #labels = new Map<string, number>();
  /** The day of the last row, whose first position is known. */
  #day: number | null = null;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO usage (id, ended_at, label, input_tokens, cached_tokens, output_tokens, reasoning_tokens,
         first_output_ms, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#findLabel = database.prepare(
      `SELECT key FROM usage_labels WHERE project = ? AND key_id IS ? AND api = ? AND model = ? AND is_stream = ?
         AND outcome = ? AND error IS ? AND is_simulated = ?`,
    );
    this.#insertLabel = database.prepare(
      `INSERT INTO usage_labels (project, key_id, api, model, is_stream, outcome, error, is_simulated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertDay = database.prepare('INSERT OR IGNORE INTO usage_days (day, first_position) VALUES (?, ?)');
    this.#records = database.prepare(RECORDS);
    this.#parts = database.prepare(PARTS);
    this.#firstSince = database.prepare('SELECT min(first_position) AS position FROM usage_days WHERE day >= ?');
    this.#ends = database.prepare(
      'SELECT (SELECT min(position) FROM usage) AS oldest, (SELECT max(position) FROM usage) AS newest',
    );
    this.#delivered = database.prepare('SELECT position FROM usage_delivery');
    this.#next = database.prepare(
      `SELECT position, ended_at, (SELECT max(position) FROM usage) AS newest FROM usage
       WHERE position > ? ORDER BY position LIMIT 1`,
    );
    this.#deliver = database.prepare('UPDATE usage_delivery SET position = max(position, ?)');
    this.#oldest = database.prepare(
      'SELECT position, ended_at FROM usage WHERE position < (SELECT max(position) FROM usage) ORDER BY position LIMIT ?',
    );
    this.#remove = database.prepare('DELETE FROM usage WHERE position <= ?');
  }

  add(row: UsageRow): void {
    const { id, endedAtMs, inputTokens, cachedTokens, outputTokens, reasoningTokens, firstOutputMs, durationMs } = row;
    const label = this.#labelOf(row);
    const tokens = [inputTokens, cachedTokens, outputTokens, reasoningTokens] as const;
    const { lastInsertRowid } = this.#insert.run(id, endedAtMs, label, ...tokens, firstOutputMs, durationMs);
    const day = Math.floor(endedAtMs / DAY_MS);
    if (day === this.#day) return;
    this.#insertDay.run(day, lastInsertRowid);
    this.#day = day;
  }

  /** Call it after a rollback: what was interned may be gone. */
  forgetLabels(): void {
    this.#labels.clear();
    this.#day = null;
  }

  /** At most `limit` rows. */
  lookForRecords({ filter, after }: UsageLook, limit: number): Looked<UsageRecord> {
    const span = this.#span(filter, after);
    if (span === null) return { found: [], next: null };
    const found = this.#records.all(...wanted(filter, span), limit) as unknown as UsageRecord[];
    return { found, next: found.length === limit ? (found.at(-1)?.position ?? null) : span.next };
  }

  lookForParts({ filter, after }: UsageLook): Looked<UsagePart> {
    const span = this.#span(filter, after);
    if (span === null) return { found: [], next: null };
    return { found: this.#parts.all(...wanted(filter, span)) as unknown as UsagePart[], next: span.next };
  }

  state(): UsageState {
    const deliveredPosition = this.#delivered.get()?.['position'] as number;
    const next = this.#next.get(deliveredPosition) as Record<'position' | 'ended_at' | 'newest', number> | undefined;
    if (next === undefined) return { deliveredPosition, undeliveredRows: 0, undeliveredSinceMs: null };
    // Positions have no gaps: rows go only from the beginning.
    const undeliveredRows = next.newest - next.position + 1;
    return { deliveredPosition, undeliveredRows, undeliveredSinceMs: next.ended_at };
  }

  markDelivered(position: number): void {
    this.#deliver.run(position);
  }

  /** Returns how many rows went: the oldest ones, up to the first that stays. */
  sweep({ beforeMs, undeliveredBeforeMs, limit }: UsageSweep): number {
    const { deliveredPosition } = this.state();
    const oldest = this.#oldest.all(limit) as unknown as { position: number; ended_at: number }[];
    const stays = oldest.findIndex(
      ({ position, ended_at }) => ended_at >= (position <= deliveredPosition ? beforeMs : undeliveredBeforeMs),
    );
    const gone = stays === -1 ? oldest : oldest.slice(0, stays);
    const last = gone.at(-1);
    if (last !== undefined) this.#remove.run(last.position);
    return gone.length;
  }

  #labelOf({ project, keyId, api, model, isStream, outcome, error, isSimulated }: UsageRow): number {
    const text = `${project}\n${keyId ?? ''}\n${api}\n${model}\n${isStream}\n${outcome}\n${error ?? ''}\n${isSimulated}`;
    const known = this.#labels.get(text);
    if (known !== undefined) return known;
    const columns = [project, keyId, api, model, Number(isStream), outcome, error, Number(isSimulated)] as const;
    const stored = this.#findLabel.get(...columns)?.['key'] as number | undefined;
    const label = stored ?? Number(this.#insertLabel.run(...columns).lastInsertRowid);
    if (this.#labels.size >= REMEMBERED_LABELS) this.#labels.clear();
    this.#labels.set(text, label);
    return label;
  }

  /** The positions of one look: every row since a moment stands at or behind the first of its day or of a later one. */
  #span({ sinceMs }: UsageFilter, after: number): Span | null {
    const { oldest, newest } = this.#ends.get() as Record<string, number | null>;
    if (oldest === null || newest === null || oldest === undefined || newest === undefined) return null;
    const first = sinceMs === null ? oldest : this.#firstSince.get(Math.floor(sinceMs / DAY_MS))?.['position'];
    if (typeof first !== 'number') return null;
    const start = Math.max(after, oldest - 1, first - 1);
    const end = start + LOOK_POSITIONS;
    return { start, end, next: end < newest ? end : null };
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly next: number | null;
}

type Wanted = readonly [number, number, number, number, string | null, string | null];

function wanted({ sinceMs, untilMs, project, keyId }: UsageFilter, { start, end }: Span): Wanted {
  return [start, end, sinceMs ?? 0, untilMs ?? Number.MAX_SAFE_INTEGER, project, keyId];
}
