import { StoreError, type StoreErrorCode } from './response-store.ts';
import type { StoreFailure } from './messages.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html) that have a name in the store. */
const CODES: Readonly<Record<number, StoreErrorCode>> = {
  8: 'read_only',
  10: 'io_error',
  11: 'corrupt',
  13: 'disk_full',
  14: 'io_error',
  26: 'corrupt',
};

const WORDING: Readonly<Partial<Record<StoreErrorCode, string>>> = {
  read_only: 'The store cannot be written',
  io_error: 'The disk under the store fails',
  corrupt: "The store's file is damaged",
  disk_full: 'The disk under the store is full',
};

/** SQLite's primary result code, or null for another kind of error. */
export function sqliteResultCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return null;
  return typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : null;
}

/** Why something failed in the worker, as the caller learns it. */
export function toStoreFailure(thrown: unknown): StoreFailure {
  if (thrown instanceof StoreError) return { code: thrown.code, message: thrown.message };
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const code = CODES[sqliteResultCode(thrown) ?? -1] ?? 'failed';
  return { code, message: `${WORDING[code] ?? 'The store failed'} (${reason}).` };
}
