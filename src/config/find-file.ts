import { open, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Problem } from './given.ts';
import { CONFIG_VARIABLE, type Environment, type Flags } from './text-sources.ts';

/** Where keys, logs and sockets live when nothing says otherwise: `$XDG_STATE_HOME/chorus`, else `~/.local/state/chorus`. */
export function defaultStateDir(environment: Environment): string {
  return join(environment['XDG_STATE_HOME'] || join(homeOf(environment), '.local', 'state'), 'chorus');
}

/** The person's home folder. */
export function homeOf(environment: Environment): string {
  return environment['HOME'] || homedir();
}

/**
 * The file that holds the configuration: the one that `--config` or `CHORUS_CONFIG` names, else the first that is
 * there of `config.yaml` in the state directory, in `$XDG_CONFIG_HOME/chorus` and in `/etc/chorus`; null: none is.
 */
export async function findConfigFile(flags: Flags, environment: Environment): Promise<string | null> {
  const named = flags['config'] ?? environment[CONFIG_VARIABLE];
  if (typeof named === 'string' && named !== '') return resolve(named);
  for (const file of usualFiles(flags, environment)) {
    if (await isThere(file)) return file;
  }
  return null;
}

function usualFiles(flags: Flags, environment: Environment): readonly string[] {
  const named = flags['stateDir'] ?? environment['CHORUS_STATE_DIR'];
  const stateDir = typeof named === 'string' && named !== '' ? resolve(named) : defaultStateDir(environment);
  const folders = [
    stateDir,
    join(environment['XDG_CONFIG_HOME'] || join(homeOf(environment), '.config'), 'chorus'),
    '/etc/chorus',
  ];
  return folders.map((folder) => join(folder, 'config.yaml'));
}

/** A file that is there and may not be looked at is there: it is better to say so than to serve without it. */
async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === 'EACCES',
  );
}

/** Far more than every setting with a comment; a model's weights named by mistake are not read into memory. */
const MAX_CONFIG_BYTES = 64 * 1024;

/** The text of a configuration file (a pipe will do), or why it cannot be one. */
export async function readConfigBytes(
  file: string,
): Promise<{ readonly text: string } | { readonly problem: Problem }> {
  const bytes = await readAtMost(file, MAX_CONFIG_BYTES + 1).catch((error: Error) => error);
  if (bytes instanceof Error) {
    return { problem: { source: 'unreadable', where: file, message: `The file cannot be read: ${bytes.message}.` } };
  }
  if (bytes.length > MAX_CONFIG_BYTES) {
    const message = `The file is larger than ${MAX_CONFIG_BYTES / 1024} KiB: that is no configuration.`;
    return { problem: { source: 'file', where: file, message } };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { problem: { source: 'file', where: file, message: 'The file is not UTF-8 text.' } };
  }
}

async function readAtMost(file: string, maxBytes: number): Promise<Buffer> {
  await using handle = await open(file, 'r');
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const { bytesRead } = await handle.read(buffer, length, maxBytes - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
