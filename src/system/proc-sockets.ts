import { readFileSync, readlinkSync } from 'node:fs';

/** A TCP socket that listens on this machine. */
interface TcpListener {
  /** As the kernel writes it: `0100007F:1F40` (proc_net(5)). */
  readonly address: string;
  readonly inode: string;
}

const LISTEN_STATE = '0A';

/** All TCP sockets that listen here; none where /proc does not tell. */
export function tcpListeners(): readonly TcpListener[] {
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => attempt(() => readFileSync(table, 'utf8')) ?? '');
  const columns = rows.flatMap((text) => text.split('\n')).map((row) => row.trim().split(/\s+/));
  return columns.flatMap(([, address = '', , state, , , , , , inode = '']) =>
    state === LISTEN_STATE ? [{ address, inode }] : [],
  );
}

/** The inode of the socket that `/proc/PID/fd/N` leads to; null where it leads elsewhere, or is gone. */
export function socketInode(descriptor: string): string | null {
  const target = attempt(() => readlinkSync(descriptor));
  return target === null ? null : (/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? null);
}

/** Processes end and belong to others while one looks: then there is nothing to tell. */
export function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
