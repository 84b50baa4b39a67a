import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { attempt, socketInode, tcpListeners } from './proc-sockets.ts';

/** Who listens on a TCP port of this machine, as `name (pid 123)`; null when /proc does not tell. */
export function describePortHolder(port: number): string | null {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const own = tcpListeners().filter(({ address }) => address.endsWith(suffix));
  const inodes = new Set(own.map(({ inode }) => inode));
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

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return descriptors.some((descriptor) => {
    const inode = socketInode(`/proc/${pid}/fd/${descriptor}`);
    return inode !== null && inodes.has(inode);
  });
}
