import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { execa } from 'execa';

/** A program that has the kernel end what it starts when its parent dies (`prctl(2)`, PR_SET_PDEATHSIG). */
export interface ParentDeathGuard {
  /** Absolute path of util-linux's setpriv. */
  readonly setpriv: string;
}

const ARGUMENTS = ['--pdeathsig', 'TERM', '--'] as const;
const TRIAL_TIMEOUT_MS = 5000;

/**
 * The guard on this machine, or null: no util-linux (busybox's setpriv lacks the option), or a caller outside the main
 * thread, whose end alone would count as the parent's death. `path` is where programs are looked for.
 */
export async function findParentDeathGuard(path: string): Promise<ParentDeathGuard | null> {
  const setpriv = isMainThread ? findProgram('setpriv', path) : null;
  if (setpriv === null) return null;
  const options = { reject: false, stdin: 'ignore', timeout: TRIAL_TIMEOUT_MS } as const;
  const { exitCode } = await execa(setpriv, [...ARGUMENTS, setpriv, '--version'], options);
  return exitCode === 0 ? { setpriv } : null;
}

/**
 * The words that start `file` under the guard: it gets SIGTERM when Chorus is gone, and ends its children in order
 * (SIGKILL would leave them). It keeps the pid, since setpriv becomes it. A program that cannot be found is left as it
 * is, so that the system says so itself.
 */
export function guarded(
  guard: ParentDeathGuard | null,
  file: string,
  args: readonly string[],
  path: string,
): { readonly file: string; readonly args: readonly string[] } {
  if (guard === null || findProgram(file, path) === null) return { file, args };
  return { file: guard.setpriv, args: [...ARGUMENTS, file, ...args] };
}

/** The file that a name means: looked up on `path` unless it is a path itself; null when there is none to execute. */
function findProgram(name: string, path: string): string | null {
  const files = name.includes('/') ? [name] : path.split(delimiter).map((folder) => join(folder, name));
  return files.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
