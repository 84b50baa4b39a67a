import { constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { isAccessible } from '../system/is-accessible.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Starting Python takes a tenth of a second, behind a version switcher one; a dead network drive takes for ever. */
const PROBE_TIMEOUT_MS = 10_000;

/** Every file of this name on the PATH that this user may run, first come first. */
export async function findPrograms(name: string, environment: Environment): Promise<readonly string[]> {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const files = folders.map((folder) => join(folder, name));
  const runnable = await Promise.all(files.map((file) => isAccessible(file, constants.X_OK)));
  return files.filter((_, position) => runnable[position]);
}

/** What a program prints within ten seconds, or null if it fails in any way. Never rejects. */
export async function askProgram(
  file: string,
  args: readonly string[],
  environment: Environment,
): Promise<string | null> {
  const { failed, stdout } = await execa(file, args, {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: PROBE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return failed ? null : stdout;
}
