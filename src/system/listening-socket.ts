import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import { Refusal } from '../domain/refusal.ts';
import { socketInode, tcpListeners } from './proc-sockets.ts';
import type { PassedSocket } from './service-environment.ts';

/** A socket of this process that listens already, and where. */
export interface ListeningSocket {
  readonly descriptor: number;
  /** The address that it is bound to. */
  readonly host: string;
  readonly port: number;
}

/** The one among several that is meant: `FileDescriptorName=http`. */
const HTTP_NAME = 'http';

/**
 * The socket to serve on among those that the service manager passed; null when it passed none. Its address is read
 * before anything is accepted, because it decides whether callers need a key. Throws a `Refusal` where several could be
 * meant, or where the one is no TCP socket that listens.
 */
export function findListeningSocket(passed: readonly PassedSocket[]): ListeningSocket | null {
  if (passed.length === 0) return null;
  const named = passed.filter(({ name }) => name === HTTP_NAME);
  const [meant, ...others] = passed.length === 1 ? passed : named;
  if (meant === undefined || others.length > 0) {
    const message = `The service manager passed ${passed.length} sockets (LISTEN_FDS). Chorus serves on one: give it FileDescriptorName=${HTTP_NAME}, or leave one ListenStream in the socket unit.`;
    throw new Refusal('config', message);
  }
  const address = addressOf(meant.descriptor);
  if (address === null) {
    const message = `The service manager passed descriptor ${meant.descriptor} (LISTEN_FDS), which is no TCP socket that listens here. In the socket unit, name a port: ListenStream=8000. In the service unit, start cli/main with node itself: scripts/chorus.js does not hand sockets on.`;
    throw new Refusal('config', message);
  }
  return { descriptor: meant.descriptor, ...address };
}

function addressOf(descriptor: number): Omit<ListeningSocket, 'descriptor'> | null {
  const inode = socketInode(`/proc/self/fd/${descriptor}`);
  const listener = tcpListeners().find((one) => one.inode === inode);
  return listener === undefined ? null : parseSocketAddress(listener.address);
}

/** `0100007F:1F40` of /proc/net/tcp (proc_net(5)): four-byte words as they lie in memory, then the port. */
export function parseSocketAddress(text: string): { readonly host: string; readonly port: number } {
  const [address = '', port = ''] = text.split(':');
  const bytes = Buffer.from(address, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return { host: bytes.join('.'), port: Number.parseInt(port, 16) };
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  const { address: host } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' });
  return { host, port: Number.parseInt(port, 16) };
}
