import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { request } from 'undici';
import { readConfig } from '../config/load-config.ts';
import type { Flags } from '../config/text-sources.ts';
import { Refusal, type ExitReason } from '../domain/refusal.ts';
import { readServerRecord, type ServerRecord } from '../system/state-directory.ts';
import { unreadable } from '../system/unreadable.ts';

const TIMEOUT_MS = 5000;
/** A reload may have to look at the weights on the disk. */
const RELOAD_TIMEOUT_MS = 60_000;

/** The flags by which a command finds its server. */
export type ServerFlags = Flags & { readonly json: boolean };

/** Adds `--config`, `--state-dir` and `--json` to a command that talks to a running server. */
export function addServerFlags(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration of that server')
    .option('--state-dir <folder>', 'its state directory')
    .option('--json', 'as JSON', false);
}

/** The state directory that flags, environment or file name; other settings may be wrong: a server is asked all the same. */
export async function stateDirOf(flags: Flags): Promise<string> {
  const reading = await readConfig(flags, process.env);
  return 'config' in reading ? reading.config.options.stateDir : reading.stateDir;
}

/** What a status of the answer means to a script. */
const EXIT_REASONS: Readonly<Record<number, ExitReason>> = {
  400: 'usage',
  401: 'noPermission',
  403: 'noPermission',
  404: 'usage',
  409: 'config',
};

/** An order to a running server. */
interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** How long the answer may take; a usual time where it is not named. */
  readonly timeoutMs?: number | undefined;
}

/** A refusal with the exit code that an answer of this status has. */
export const refusalOfStatus = (status: number, message: string): Refusal =>
  new Refusal(EXIT_REASONS[status] ?? 'unavailable', message);

/**
 * Asks the server of a state directory and gives the JSON that it answers. Throws a `Refusal`: exit code 69 when no
 * server answers, 64 when it does not know what was named, 77 when it is not this user's to ask, 78 when it refuses the
 * settings.
 */
export function askServer<T>(stateDir: string, method: 'GET' | 'POST', path: string, timeoutMs?: number): Promise<T> {
  return orderServer<T>(stateDir, { method, path, timeoutMs });
}

/** As `askServer`, for what needs a body or another method. */
export async function orderServer<T>(stateDir: string, ask: Ask): Promise<T> {
  const server = readServerRecord(stateDir);
  if (server === null) {
    throw new Refusal(
      'unavailable',
      `No Chorus runs with the state directory ${stateDir}. Start one with \`chorus serve\`.`,
    );
  }
  const { statusCode, text } = await exchange(server, ask);
  if (statusCode < 300) return JSON.parse(text) as T;
  throw refusalOfStatus(statusCode, refusalIn(text) ?? `Chorus answered ${statusCode}.`);
}

async function exchange(
  { url, keyFile, pid }: ServerRecord,
  { method, path, body: content, timeoutMs = method === 'GET' ? TIMEOUT_MS : RELOAD_TIMEOUT_MS }: Ask,
): Promise<{ readonly statusCode: number; readonly text: string }> {
  const headers = {
    ...(keyFile === null ? {} : { authorization: `Bearer ${readAdminKey(keyFile)}` }),
    ...(content === undefined ? {} : { 'content-type': 'application/json' }),
  };
  try {
    const { statusCode, body } = await request(`${url}${path}`, {
      method,
      headers,
      body: content === undefined ? null : JSON.stringify(content),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    return { statusCode, text: await body.text() };
  } catch (cause) {
    const message = `Chorus (pid ${pid}) does not answer at ${url}: ${(cause as Error).message}. Is it still running?`;
    throw new Refusal('unavailable', message, { cause });
  }
}

function readAdminKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw unreadable('The admin key', cause);
  }
}

/** The message of an error in OpenAI's shape. */
function refusalIn(text: string): string | null {
  try {
    return (JSON.parse(text) as { error: { message: string } }).error.message;
  } catch {
    return null;
  }
}
