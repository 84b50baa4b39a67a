import { DatabaseSync } from 'node:sqlite';

/** A lock that one process holds; it ends with the process, however that ends. */
export interface FileLock {
  release(): void;
}

/** SQLite's SQLITE_BUSY. */
const BUSY = 5;
/** A file that nothing refers to any more would be closed, and unlocked with it. */
const held = new Set<DatabaseSync>();

/**
 * Locks `file`, which is made where it is missing and stays empty; null when somebody else holds it for longer than
 * `waitMs`, for which this blocks. Throws when the file cannot be made or written.
 *
 * The lock is the one that SQLite takes on its files: Node.js itself can lock none, and a file that merely exists
 * outlives whoever made it.
 */
export function takeFileLock(file: string, waitMs: number): FileLock | null {
  const database = new DatabaseSync(file, { timeout: waitMs });
  try {
    // Whoever is killed is to leave no journal behind.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { readonly errcode?: number }).errcode === BUSY) return null;
    throw error;
  }
  held.add(database);
  return {
    release() {
      if (held.delete(database)) database.close();
    },
  };
}
