import { execFileSync, spawnSync } from 'node:child_process';
import { constants } from 'node:os';

const SIZE = '96m';
const MARK = 'CHORUS_CHAOS_OWN_MOUNTS';

/**
 * Runs this script again where its mounts are its own, so that they end with it. Gives the exit code of that run, or
 * null in it, and where such a place cannot be had.
 */
export function runWithOwnMounts(): number | null {
  if (process.env[MARK] !== undefined) return null;
  const own = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
  if (spawnSync('unshare', [...own, 'true']).status !== 0) return null;
  const command = [...own, process.execPath, ...process.argv.slice(1)];
  const { status, signal } = spawnSync('unshare', command, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** Makes a folder a small file system of its own; false where that is not allowed. */
export function mountSmallDisk(folder: string): boolean {
  if (process.env[MARK] === undefined) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
