import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The name under which Chorus's own log stands beside those of its engines. */
export const CHORUS_LOG = 'chorus';

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
  return {
    name: engineId,
    files: () =>
      engineLogs(stateDir)
        .filter((log) => log.engineId === engineId)
        .toSorted((a, b) => a.start - b.start)
        .map(({ file }) => file),
  };
}

interface EngineLog {
  readonly engineId: string;
  /** Counts the starts. */
  readonly start: number;
  readonly file: string;
}

/** Files as `nextLogFile` of `engine/` names them. */
function engineLogs(stateDir: string): readonly EngineLog[] {
  const folder = join(stateDir, 'logs');
  return namesIn(folder).flatMap((name) => {
    const [, engineId, start] = /^(.+)\.(\d+)\.log$/.exec(name) ?? [];
    return engineId === undefined ? [] : [{ engineId, start: Number(start), file: join(folder, name) }];
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no engine has started here
  }
}
