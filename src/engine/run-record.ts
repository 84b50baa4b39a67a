import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { writeJsonFile } from '../system/json-file.ts';
import { isAlive, type ProcessGroup, processStartTicks, provenMembers, sweepGroup } from '../system/process-group.ts';

/**
 * A process group that this Chorus started, on disk until it is swept: a Chorus that was killed leaves the records of
 * its engines, and the next one ends them before it uses their cards. Ids are reused, so each comes with its start.
 */
interface RunRecord extends ProcessGroup {
  readonly ownerPid: number;
  readonly ownerStartTicks: number | null;
  /** Start ticks count from the boot. */
  readonly bootId: string;
}

const FOLDER = 'engines';

/** Remembers a running group, in one step. Throws when that cannot be written. */
export function writeRunRecord(stateDir: string, engineId: string, group: ProcessGroup): void {
  const record: RunRecord = {
    ...group,
    ownerPid: process.pid,
    ownerStartTicks: processStartTicks(process.pid),
    bootId: readBootId(),
  };
  writeJsonFile(join(stateDir, FOLDER, `${engineId}.json`), record);
}

/** Forgets a group that is swept. */
export function removeRunRecord(stateDir: string, engineId: string): void {
  rmSync(join(stateDir, FOLDER, `${engineId}.json`), { force: true });
}

export type Leftovers =
  /** Nothing is left of an earlier Chorus; `ended` group ids were, until now. */
  | { readonly kind: 'clear'; readonly ended: readonly number[] }
  /** Another Chorus runs its engines from this state directory. */
  | { readonly kind: 'in_use'; readonly ownerPid: number }
  | { readonly kind: 'unkillable'; readonly pids: readonly number[] };

/** Ends what a killed Chorus left running. Touches nothing while its Chorus lives, and no process that is not certainly one of its. */
export async function endLeftovers(stateDir: string, clock: Clock, deadlineMs: number): Promise<Leftovers> {
  const records = readRecords(stateDir);
  const owner = records.find(ownerLives);
  if (owner) return { kind: 'in_use', ownerPid: owner.ownerPid };
  const left = records.filter((record) => provenMembers(record).length > 0);
  const survivors = await Promise.all(left.map((group) => sweepGroup(group, clock, deadlineMs)));
  if (survivors.flat().length > 0) return { kind: 'unkillable', pids: survivors.flat() };
  rmSync(join(stateDir, FOLDER), { recursive: true, force: true });
  return { kind: 'clear', ended: left.map(({ groupId }) => groupId) };
}

/** Ids of the process groups that a killed Chorus left running; looks only. */
export function leftoverGroups(stateDir: string): readonly number[] {
  const ownerless = readRecords(stateDir).filter((record) => !ownerLives(record));
  return ownerless.flatMap((record) => (provenMembers(record).length > 0 ? record.groupId : []));
}

function ownerLives({ ownerPid, ownerStartTicks }: RunRecord): boolean {
  return ownerPid !== process.pid && isAlive({ pid: ownerPid, startTicks: ownerStartTicks });
}

/** Those of this boot: ids of an earlier one mean nothing. */
function readRecords(stateDir: string): readonly RunRecord[] {
  const bootId = readBootId();
  return listRecords(join(stateDir, FOLDER)).flatMap((file) => {
    try {
      const record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
      return record.bootId === bootId ? [record] : [];
    } catch {
      return []; // removed meanwhile, or half of one from a full disk
    }
  });
}

function listRecords(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  } catch {
    return []; // no engine was ever started from here
  }
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // not Linux: start times are unknown too, and nothing is ended
  }
}
