import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` holds 108 bytes, the closing zero included (unix(7)). */
const MAX_ADDRESS_BYTES = 107;

export interface SocketDirectory {
  /** The address for `name`, at most 107 bytes; known before the folder is made. */
  socketPath(name: string): string;
  /** Makes the folder, for this user alone. Throws when that is not possible. */
  make(): void;
  /** Removes what was made outside the state directory. */
  remove(): void;
}

/**
 * Where unix sockets go: `sockets/` of the state directory, or a new temporary folder when the longest address would
 * not fit. Nothing is made before `make`.
 */
export function chooseSocketDirectory(stateDir: string, longestName: string): SocketDirectory {
  const wanted = join(stateDir, 'sockets');
  if (Buffer.byteLength(join(wanted, longestName)) <= MAX_ADDRESS_BYTES) {
    return {
      socketPath: (name) => join(wanted, name),
      make: () => void mkdirSync(wanted, { recursive: true, mode: 0o700 }),
      remove: () => {},
    };
  }
  const short = join(tmpdir(), `chorus-${randomBytes(6).toString('hex')}`);
  return {
    socketPath: (name) => join(short, name),
    // Not recursive: a folder that is there already was put there by somebody else.
    make: () => mkdirSync(short, { mode: 0o700 }),
    remove: () => rmSync(short, { recursive: true, force: true }),
  };
}
