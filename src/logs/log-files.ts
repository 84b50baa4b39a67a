import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isForbidden, unreadable } from '../system/unreadable.ts';

/** The name under which Chorus's own log stands beside those of its engines. */
export const CHORUS_LOG = 'chorus';

const KEPT_STARTS = 5;

/** One log: the files that it consists of, oldest first; the last is the one that grows. */
export interface LogSource {
  readonly name: string;
  /** Asked again at every look: an engine's next start begins the next file. */
  readonly files: () => readonly string[];
}

/** Chorus's own log and those of the engines that have ever started with this state directory, by their names. */
export function logSources(stateDir: string): readonly LogSource[] {
  const own = { name: CHORUS_LOG, files: () => [join(stateDir, 'chorus.log')] };
  const names = new Set(engineLogs(stateDir).map(({ engineId }) => engineId));
  const byNumber = new Intl.Collator('en', { numeric: true }).compare;
  return [own, ...[...names].toSorted(byNumber).map((engineId) => engineLog(stateDir, engineId))];
}

/** The log of one engine over its starts. */
export function engineLog(stateDir: string, engineId: string): LogSource {
  return { name: engineId, files: () => startsOf(stateDir, engineId).map(({ file }) => file) };
}

/** The file for the next start of an engine, not made yet; of the earlier ones the last four are kept. */
export function nextEngineLog(stateDir: string, engineId: string): string {
  mkdirSync(folderIn(stateDir), { recursive: true });
  const earlier = startsOf(stateDir, engineId);
  for (const { file } of earlier.slice(0, 1 - KEPT_STARTS)) {
    for (const gone of [file, `${file}.old`]) rmSync(gone, { force: true });
  }
  return join(folderIn(stateDir), `${engineId}.${(earlier.at(-1)?.start ?? 0) + 1}.log`);
}

interface EngineLog {
  readonly engineId: string;
  /** Counts the starts. */
  readonly start: number;
  readonly file: string;
}

const folderIn = (stateDir: string): string => join(stateDir, 'logs');

/** Of one engine, oldest first. */
function startsOf(stateDir: string, engineId: string): readonly EngineLog[] {
  const own = engineLogs(stateDir).filter((log) => log.engineId === engineId);
  return own.toSorted((a, b) => a.start - b.start);
}

function engineLogs(stateDir: string): readonly EngineLog[] {
  const folder = folderIn(stateDir);
  return namesIn(folder).flatMap((name) => {
    const [, engineId, start] = /^(.+)\.(\d+)\.log$/.exec(name) ?? [];
    return engineId === undefined ? [] : [{ engineId, start: Number(start), file: join(folder, name) }];
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isForbidden(error)) throw unreadable(`The folder ${folder}`, error);
    return []; // no engine has started here
  }
}
