/** What one request cost, once its turn has ended: numbers and fixed words, never what was said. */
export interface UsageRow {
  /** Of the response, completion or generation; no two rows have the same. */
  readonly id: string;
  /** When the turn ended, in Unix milliseconds. */
  readonly endedAtMs: number;
  readonly project: string;
  /** The key that was presented; null where the server asks for none. */
  readonly keyId: string | null;
  readonly api: string;
  readonly model: string;
  readonly isStream: boolean;
  /** `completed`, `incomplete`, `failed` or `aborted`. */
  readonly outcome: string;
  /** Of a failed one, the name of its error. */
  readonly error: string | null;
  /** No model answered, but the simulator. */
  readonly isSimulated: boolean;
  readonly inputTokens: number;
  /** Of the input. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the output. */
  readonly reasoningTokens: number;
  /** From the turn's begin to the first item of its output; null where none began. */
  readonly firstOutputMs: number | null;
  readonly durationMs: number;
}

/** A row where it stands: positions grow in the order in which rows came to the disk, and none is given twice. */
export interface UsageEntry extends UsageRow {
  readonly position: number;
}

/** Which rows are meant; null: whatever it is. */
export interface UsageFilter {
  /** Turns that ended at this moment or later, in Unix milliseconds. */
  readonly sinceMs: number | null;
  /** Turns that ended before this moment. */
  readonly untilMs: number | null;
  readonly project: string | null;
  readonly keyId: string | null;
}

export interface UsagePageQuery {
  readonly filter: UsageFilter;
  /** The position that the page begins behind; 0: at the oldest row. */
  readonly after: number;
  /** At least 1. */
  readonly limit: number;
}

export interface UsagePage {
  /** By position, at most `limit`. */
  readonly rows: readonly UsageEntry[];
  readonly hasMore: boolean;
}

/** What rows can be added up by; `day` is that of UTC on which the turn ended, as `YYYY-MM-DD`. */
export const USAGE_DIMENSIONS = ['project', 'key', 'day', 'model', 'api'] as const;
export type UsageDimension = (typeof USAGE_DIMENSIONS)[number];

/** Rows added up. */
export interface UsageSums {
  readonly requests: number;
  /** Of the requests. */
  readonly failed: number;
  /** Of the requests: the client left. */
  readonly aborted: number;
  /** Of the requests: answered by the simulator. */
  readonly simulated: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

export interface UsageTotal extends UsageSums {
  /** The value of each dimension that was asked for, in that order; null: the requests had no key. */
  readonly group: readonly (string | null)[];
}

/** How far the ledger was delivered. */
export interface UsageState {
  /** Everything up to here; 0 where nothing was. */
  readonly deliveredPosition: number;
  readonly undeliveredRows: number;
  /** When the turn of the first of them ended; null where there is none. */
  readonly undeliveredSinceMs: number | null;
}

/** Which rows may go, and how many of them now. */
export interface UsageSweep {
  /** Those of turns that ended before this moment. */
  readonly beforeMs: number;
  /** The same for rows that are not delivered yet. */
  readonly undeliveredBeforeMs: number;
  readonly limit: number;
}

/**
 * One row for every turn that ended. A row that belongs to a stored response comes with it (`ResponseStore.put`), in the
 * same transaction. Reads see what is on the disk; they are made in small steps, so that they hold up no write however
 * much they look at. All methods reject with a `StoreError`, and with nothing else.
 */
export interface UsageLedger {
  /** Resolves when the row is on the disk; rejects with what the disk says, and then it is not there. */
  add(row: UsageRow): Promise<void>;

  page(query: UsagePageQuery): Promise<UsagePage>;

  /** All rows of the filter, added up by the dimensions (by none: one sum), ordered by their values. */
  totals(filter: UsageFilter, by: readonly UsageDimension[]): Promise<UsageTotal[]>;

  /** Notes that everything up to a position is delivered; resolves when that is on the disk. */
  markDelivered(position: number): Promise<void>;

  /**
   * Removes the oldest rows, as far as they may go, and tells how many. The newest row stays, whatever its age: its
   * position is where the next one's begins.
   */
  sweep(sweep: UsageSweep): Promise<number>;
}
