import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { applyWrite } from './apply-write.ts';
import type { ListedFile } from './listed-file.ts';
import type { StoreFailure, StoreWrite, WriteOutcome } from './messages.ts';
import { type StoreContents, StoreError } from './response-store.ts';
import { toStoreFailure } from './sqlite-failure.ts';
import { prepareTables, type Tables } from './tables.ts';

/** The open database and its transactions, in the worker. */
export class StoreFile {
  readonly tables: Tables;
  readonly #database: DatabaseSync;
  readonly #listed: ListedFile;
  readonly #pages: StatementSync;
  /** Counted once and then kept along: counting takes longer the more there are. */
  #responses: number;
  /** Deleted text may stand in the WAL: at first because a process that was killed may have left it there. */
  #walHoldsDeleted = true;

  /** `listed` is the database's file. */
  constructor(database: DatabaseSync, listed: ListedFile) {
    this.#database = database;
    this.#listed = listed;
    this.tables = prepareTables(database);
    this.#responses = this.tables.responses.count();
    this.#pages = database.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size');
  }

  /**
   * Does the changes in one transaction. A change that is at fault itself fails alone; when the disk fails or the
   * file was deleted, all do, and it is as it was. Where something was deleted, the WAL is empty when this returns, or the deletions fail.
   */
  write(writes: readonly StoreWrite[]): readonly WriteOutcome[] {
    const outcomes = this.#commit(writes);
    this.#responses += countChange(writes, outcomes);
    if (outcomes.some((outcome, index) => removesText(writes[index]) && removedBy(outcome) > 0)) {
      this.#walHoldsDeleted = true;
    }
    if (!this.#walHoldsDeleted) return outcomes;
    const failure = this.#emptyWal();
    if (failure === null) return outcomes;
    return outcomes.map((outcome, index) => (removesText(writes[index]) ? { failure } : outcome));
  }

  contents(): StoreContents {
    const bytes = this.#pages.get()?.['bytes'] as number;
    const { responses, usage } = this.tables;
    return { responses: this.#responses, bytes, nextExpiryMs: responses.nextExpiryMs(), usage: usage.state() };
  }

  /** Copies the WAL into the database and removes it. */
  close(): void {
    this.#database.close();
  }

  #commit(writes: readonly StoreWrite[]): readonly WriteOutcome[] {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const outcomes = writes.map((write) => this.#apply(write));
      this.#listed.assertThere();
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      this.tables.bodies.lookForFree();
      this.tables.usage.forgetLabels();
      const failure = toStoreFailure(thrown);
      return writes.map(() => ({ failure }));
    }
  }

  #apply(write: StoreWrite): WriteOutcome {
    try {
      return { removed: applyWrite(this.tables, write) };
    } catch (thrown) {
      if (thrown instanceof StoreError && thrown.code !== 'corrupt') return { failure: toStoreFailure(thrown) };
      throw thrown;
    }
  }

  #emptyWal(): StoreFailure | null {
    try {
      const state = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      if (state?.['busy'] !== 0) throw new StoreError('io_error', 'The WAL of the store cannot be emptied.');
      this.#walHoldsDeleted = false;
      return null;
    } catch (thrown) {
      return toStoreFailure(thrown);
    }
  }
}

/** Whether a change takes away what somebody said. */
const removesText = (write: StoreWrite | undefined): boolean => write?.kind === 'delete' || write?.kind === 'sweep';

const removedBy = (outcome: WriteOutcome): number => ('removed' in outcome ? outcome.removed : 0);

/** How many responses more there are. */
function countChange(writes: readonly StoreWrite[], outcomes: readonly WriteOutcome[]): number {
  return outcomes.reduce((sum, outcome, index) => {
    if ('failure' in outcome) return sum;
    if (writes[index]?.kind === 'put') return sum + 1;
    return removesText(writes[index]) ? sum - outcome.removed : sum;
  }, 0);
}
