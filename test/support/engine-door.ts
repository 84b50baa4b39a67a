import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** A TCP port of this machine that leads to an engine's socket. */
export interface EngineDoor {
  readonly url: string;
  close(): Promise<void>;
}

export async function openEngineDoor(socketPath: string): Promise<EngineDoor> {
  const server = createServer((outside) => {
    const inside = connect(socketPath);
    const shut = (): void => void (outside.destroy(), inside.destroy());
    for (const side of [outside, inside]) side.on('error', shut).on('close', shut);
    outside.pipe(inside).pipe(outside);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
