import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The address that gpt-oss's guides write into their programs. */
const WRITTEN = 'localhost:8000';

/** The environment in which a program finds a server at `localhost:8000`. */
export interface LocalhostDoor {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Opens a proxy, as HTTP clients look for one in their environment, that leads `localhost:8000` to `url` and every other
 * address to itself: programs run unchanged, whoever has that port on this machine.
 */
export async function openLocalhostDoor(url: string): Promise<LocalhostDoor> {
  const forward = (asked: IncomingMessage, answer: ServerResponse): void => {
    const wanted = new URL(asked.url ?? '');
    const place = wanted.host === WRITTEN ? new URL(url) : wanted;
    const { method, headers } = asked;
    const onward = ask({
      host: place.hostname,
      port: place.port,
      method,
      path: wanted.pathname + wanted.search,
      headers,
    });
    onward.on('response', (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  };
  const server = createServer(forward);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: { HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: '', no_proxy: '' },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
