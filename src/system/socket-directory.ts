import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` holds 108 bytes, the closing zero included (unix(7)). */
const MAX_ADDRESS_BYTES = 107;

export interface SocketDirectory {
  /** The address for `name`, at most 107 bytes. */
  socketPath(name: string): string;
  /** Removes what was made outside the state directory. */
  remove(): void;
}

/**
 * A folder for unix sockets that this user alone may enter: `sockets/` of the state directory, or a new temporary
 * folder when the longest address would not fit. Throws when neither can be made.
 */
export function makeSocketDirectory(stateDir: string, longestName: string): SocketDirectory {
  const wanted = join(stateDir, 'sockets');
  if (Buffer.byteLength(join(wanted, longestName)) <= MAX_ADDRESS_BYTES) {
    mkdirSync(wanted, { recursive: true, mode: 0o700 });
    return { socketPath: (name) => join(wanted, name), remove: () => {} };
  }
  const short = mkdtempSync(join(tmpdir(), 'chorus-'));
  return { socketPath: (name) => join(short, name), remove: () => rmSync(short, { recursive: true, force: true }) };
}
