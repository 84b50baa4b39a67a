import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { findListeningSocket, parseSocketAddress } from '../../src/system/listening-socket.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A socket that listens, as a service manager would pass it. */
async function open(host: string): Promise<{ descriptor: number; port: number }> {
  const server = createServer();
  servers.push(server);
  await once(server.listen(0, host), 'listening');
  const { fd: descriptor } = Reflect.get(server, '_handle') as { fd: number };
  return { descriptor, port: (server.address() as AddressInfo).port };
}

describe('findListeningSocket', () => {
  it('finds none where none was passed', () => {
    expect(findListeningSocket([])).toBeNull();
  });

  it.each(['127.0.0.1', '0.0.0.0', '::1', '::'])('tells the address of one on %s, whatever its name', async (host) => {
    const { descriptor, port } = await open(host);
    expect(findListeningSocket([{ descriptor, name: 'any' }])).toEqual({ descriptor, host, port });
  });

  it('takes the one named http among several', async () => {
    const { descriptor, port } = await open('127.0.0.1');
    const passed = [
      { descriptor: 0, name: 'metrics' },
      { descriptor, name: 'http' },
    ];
    expect(findListeningSocket(passed)).toEqual({ descriptor, host: '127.0.0.1', port });
  });

  it.each([[['a', 'b']], [['http', 'http']]])('refuses to choose among %j', (names) => {
    const passed = names.map((name, at) => ({ descriptor: 3 + at, name }));
    expect(() => findListeningSocket(passed)).toThrow('passed 2 sockets (LISTEN_FDS). Chorus serves on one');
  });

  it('refuses what is no socket', () => {
    expect(() => findListeningSocket([{ descriptor: 0, name: 'http' }])).toThrow(
      'passed descriptor 0 (LISTEN_FDS), which is no TCP socket that listens here',
    );
  });
});

it('reads addresses as the kernel writes them', () => {
  expect(parseSocketAddress('0100A8C0:1F40')).toEqual({ host: '192.168.0.1', port: 8000 });
  expect(parseSocketAddress('B80D0120000000000000000001000000:0050')).toEqual({ host: '2001:db8::1', port: 80 });
});
