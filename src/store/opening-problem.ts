import { readFileSync } from 'node:fs';
import { NewerSchema } from './database.ts';
import type { StoreProblem } from './response-store.ts';
import { sqliteResultCode } from './sqlite-failure.ts';

type ProblemCode = StoreProblem['code'];

const REMEDIES: Readonly<Record<ProblemCode, string>> = {
  in_use: 'Stop that process, or give this one a state directory of its own with --state-dir.',
  network_filesystem: 'Choose a directory on a local disk with --state-dir.',
  read_only: 'Let this user write there, or choose another directory with --state-dir.',
  disk_full: 'Free some space on that disk, or choose a directory on another with --state-dir.',
  corrupt: 'Move the files of that directory away; the store then begins empty.',
  newer_schema: 'Start that version of Chorus, or choose another directory with --state-dir.',
  cannot_open: 'Choose another directory with --state-dir.',
};

export function storeProblem(code: ProblemCode, message: string): StoreProblem {
  return { code, message, remedy: REMEDIES[code] };
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const DATABASE_PROBLEMS: Readonly<Record<number, ProblemCode>> = {
  5: 'in_use',
  8: 'read_only',
  11: 'corrupt',
  13: 'disk_full',
  26: 'corrupt',
};

const SYSTEM_PROBLEMS: Readonly<Record<string, ProblemCode>> = {
  EACCES: 'read_only',
  EPERM: 'read_only',
  EROFS: 'read_only',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
};

/** Why the database could not be opened. `ownerFile` tells who has it. */
export function databaseProblem(thrown: unknown, databaseFile: string, ownerFile: string): StoreProblem {
  if (thrown instanceof NewerSchema) {
    return storeProblem('newer_schema', `${databaseFile} was written by a newer version of Chorus.`);
  }
  const code = DATABASE_PROBLEMS[sqliteResultCode(thrown) ?? -1] ?? 'cannot_open';
  if (code === 'in_use') {
    return storeProblem(code, `${databaseFile} is in use by another process${describeOwner(ownerFile)}.`);
  }
  return storeProblem(code, `${databaseFile} cannot be opened: ${reasonOf(thrown)}.`);
}

/** Why the store's directory cannot be used, from an error of `node:fs`. */
export function directoryProblem(thrown: unknown, directory: string): StoreProblem {
  const errno = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  return storeProblem(
    SYSTEM_PROBLEMS[errno] ?? 'cannot_open',
    `The store's directory ${directory} cannot be used: ${reasonOf(thrown)}.`,
  );
}

function describeOwner(ownerFile: string): string {
  try {
    const pid = readFileSync(ownerFile, 'utf8').trim();
    return pid === '' ? '' : ` (pid ${pid})`;
  } catch {
    return ''; // it is just opening or closing
  }
}

const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
