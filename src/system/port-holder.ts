import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

const LISTEN_STATE = '0A';

/** Who listens on a TCP port of this machine, as `name (pid 123)`; null when /proc does not tell. */
export function describePortHolder(port: number): string | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return null;
  const pid = attempt(() => readdirSync('/proc').filter((name) => /^\d+$/.test(name)))?.find((name) =>
    holdsSocket(name, inodes),
  );
  if (pid === undefined) return null;
  return `${commandOf(pid)} (pid ${pid})`;
}

/** Node.js names its main thread, and with it the process, `MainThread`: then the program says more. */
function commandOf(pid: string): string {
  const name = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? 'a process';
  if (name !== 'MainThread') return name;
  return attempt(() => basename(readlinkSync(`/proc/${pid}/exe`))) ?? name;
}

function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = attempt(() => readFileSync(table, 'utf8').split('\n').slice(1)) ?? [];
  const columns = rows.map((row) => row.trim().split(/\s+/));
  return columns.filter((row) => row[1]?.endsWith(suffix) && row[3] === LISTEN_STATE).flatMap((row) => row[9] ?? []);
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return descriptors.some((descriptor) => {
    const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
    const inode = target === null ? undefined : /^socket:\[(\d+)\]$/.exec(target)?.[1];
    return inode !== undefined && inodes.has(inode);
  });
}

/** Processes end and belong to others while one looks: then there is nothing to tell. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
