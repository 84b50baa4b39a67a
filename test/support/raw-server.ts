import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../src/upstream/connection.ts';

/** A server that gets its connections raw, on a unix socket or on a TCP port of this machine. */
export interface RawServer {
  readonly address: Address;
  /** Every connection so far, in the order in which they came. */
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/**
 * `serve` is called with each connection and its number, from 0. `backlog` is how many the kernel lets wait; Node takes
 * them in the next turn of the event loop.
 */
export async function startRawServer(
  kind: 'unix' | 'tcp',
  serve: (socket: Socket, index: number) => void,
  backlog = 4096,
): Promise<RawServer> {
  const directory = mkdtempSync(join(tmpdir(), 'chorus-raw-'));
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket, sockets.push(socket) - 1);
  });
  server.listen(kind === 'unix' ? { path: join(directory, 's'), backlog } : { host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const address =
    kind === 'unix' ? { path: join(directory, 's') } : { host: '127.0.0.1', port: portOf(server.address()) };
  return {
    address,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const portOf = (address: AddressInfo | string | null): number => (address as AddressInfo).port;
