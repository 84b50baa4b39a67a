import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from '../system/process-group.ts';
import { diskFailure, SetupFailure } from './failure.ts';

/** Reads a record and tells whether its process still lives. Null for no record, or one of a process that is gone. */
export function livingProcess(file: string): ProcessIdentity | null {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
    return isAlive(record) ? record : null;
  } catch {
    return null;
  }
}

/**
 * Makes this process the only one that sets up below `stateDir`, until disposed or dead. Throws a `SetupFailure` that
 * names the other one.
 */
export function takeSetupLock(stateDir: string): Disposable {
  const file = join(stateDir, 'setup.lock');
  if (!claim(file)) {
    const holder = livingProcess(file);
    if (holder !== null) throw running(stateDir, holder);
    // Its owner died without a word.
    rmSync(file, { force: true });
    if (!claim(file)) throw running(stateDir, livingProcess(file));
  }
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

/** A link is made in one step and with its content, which `open` with `wx` is not. */
function claim(file: string): boolean {
  const own = `${file}.${process.pid}`;
  try {
    writeFileSync(own, JSON.stringify(identify(process.pid)), { mode: 0o600 });
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw diskFailure(file, error);
  } finally {
    rmSync(own, { force: true });
  }
}

function running(stateDir: string, holder: ProcessIdentity | null): SetupFailure {
  const who = holder === null ? 'Another process' : `Another process (pid ${holder.pid})`;
  return new SetupFailure('setup_running', `${who} sets up in ${stateDir}.`);
}
