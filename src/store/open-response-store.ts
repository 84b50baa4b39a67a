import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { MiB } from '../domain/units.ts';
import { type Filesystem, networkFilesystemName, readFilesystem } from './filesystem.ts';
import { directoryProblem, storeProblem } from './opening-problem.ts';
import type { StoreOpening, StoreProblem } from './response-store.ts';
import { SqliteResponseStore } from './sqlite-response-store.ts';
import { startWorker, WorkerLink } from './worker-link.ts';
import type { WriteLimits } from './write-queue.ts';

export interface StoreOptions {
  /** Holds the store's files and nothing else; made, for this user alone, where there is none. */
  readonly directory: string;
  readonly clock: Clock;
  /** The database may not grow beyond it: then puts fail with `disk_full`. Absent: as far as the disk allows. */
  readonly maxFileBytes?: number;
  readonly limits?: Partial<WriteLimits>;
  /** Looks at the filesystem under a directory; the kernel's word where it is absent. */
  readonly readFilesystem?: (directory: string) => Promise<Filesystem>;
}

const DEFAULT_LIMITS: WriteLimits = { groupDelayMs: 5, groupSize: 256, maxPendingBytes: 64 * MiB };

/**
 * Opens the store, or makes it. One process has it at a time, until `close` or its end, however that comes. Never
 * rejects: whatever is in the way comes back as a problem, with what to do about it.
 */
export async function openResponseStore(options: StoreOptions): Promise<StoreOpening> {
  const { directory, clock, limits } = options;
  const ownerFile = join(directory, 'store.owner');
  const problem = await prepareDirectory(directory, ownerFile, options.readFilesystem ?? readFilesystem);
  if (problem !== null) return { kind: 'refused', problem };
  const databaseFile = join(directory, 'store.db');
  const link = await startWorker({ databaseFile, ownerFile, maxFileBytes: options.maxFileBytes ?? null });
  if (!(link instanceof WorkerLink)) return { kind: 'refused', problem: link };
  return { kind: 'opened', store: new SqliteResponseStore(link, clock, { ...DEFAULT_LIMITS, ...limits }) };
}

/** Opening a file for appending shows what SQLite would not tell: why none can be made there. */
async function prepareDirectory(
  directory: string,
  ownerFile: string,
  look: (directory: string) => Promise<Filesystem>,
): Promise<StoreProblem | null> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await (await open(ownerFile, 'a', 0o600)).close();
    const network = networkFilesystemName(await look(directory));
    if (network === null) return null;
    const message = `${directory} lies on a network filesystem (${network}), which cannot hold the store safely.`;
    return storeProblem('network_filesystem', message);
  } catch (thrown) {
    return directoryProblem(thrown, directory);
  }
}
