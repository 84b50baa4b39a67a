import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS } from './migrations.ts';

const CACHE_KIB = 16_384;
/** Twice SQLite's default: bodies of 2 to 4 KB are usual and would leave a third of smaller pages empty. */
const PAGE_BYTES = 8192;
/** Then the WAL is copied into the database: 16 MB, in which the pages that every commit writes again count once. */
const WAL_PAGES = 2048;

/** The file was written by a later version, whose schema this one does not know. */
export class NewerSchema extends Error {}

/**
 * Opens the database for this process alone, as the kernel's lock on the file says, which goes with the process; makes
 * it or brings its schema up to date. A commit is on the disk when it returns. Throws SQLite's errors, and `NewerSchema`.
 */
export function openDatabase(file: string, maxFileBytes: number | null): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    configure(database, maxFileBytes);
    migrate(database);
    touchEnds(database);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/**
 * The exclusive mode comes before the first access: then the index of the WAL is kept in memory instead of a shared
 * file, and the first read takes the lock for good (sqlite.org/wal.html, section 8).
 */
function configure(database: DatabaseSync, maxFileBytes: number | null): void {
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA journal_mode = WAL;
    PRAGMA wal_autocheckpoint = ${WAL_PAGES};
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -${CACHE_KIB};
  `);
  if (maxFileBytes !== null) database.exec(`PRAGMA max_page_count = ${Math.ceil(maxFileBytes / PAGE_BYTES)}`);
}

function migrate(database: DatabaseSync): void {
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'] as number;
  if (version > MIGRATIONS.length) throw new NewerSchema();
  for (const [index, migration] of [...MIGRATIONS.entries()].slice(version)) {
    database.exec(`BEGIN IMMEDIATE; ${migration} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

/** A file that was cut short lacks the newest rows of its tables: that shows here and not in the middle of a request. */
function touchEnds(database: DatabaseSync): void {
  for (const table of ['bodies', 'turns']) database.prepare(`SELECT max(key) FROM ${table}`).get();
  database.prepare('SELECT * FROM responses ORDER BY turn DESC LIMIT 1').get();
  database.prepare('SELECT * FROM usage ORDER BY position DESC LIMIT 1').get();
}
