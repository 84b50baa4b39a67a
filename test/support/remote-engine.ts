import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import type { SelfSigned } from './self-signed.ts';

/** One request as the engine's server got it. */
export interface SeenRequest {
  readonly path: string;
  readonly host: string;
  readonly authorization: string | null;
}

/** An engine as it stands behind a server elsewhere. */
export interface RemoteEngine {
  /** With the base path. */
  readonly url: string;
  /** The prompts that came for it, Chorus's own questions included. */
  readonly seen: readonly SeenRequest[];
  /** Answers some requests in the engine's place; returns false for those that go to it. Null: none. */
  answerInstead: ((path: string, response: ServerResponse) => boolean) | null;
  close(): Promise<void>;
}

export interface RemoteSettings {
  /** What stands before every path; everything else is 404. */
  readonly basePath?: string;
  readonly tls?: SelfSigned;
  /** What `Authorization` must be on `/v1` and `/inference`, as with vLLM's `--api-key`. */
  readonly authorization?: string;
}

/** A small reverse proxy before an engine's socket. */
export async function openRemote(socketPath: string, settings: RemoteSettings = {}): Promise<RemoteEngine> {
  const { basePath = '', tls, authorization } = settings;
  const seen: SeenRequest[] = [];
  const remote: Pick<RemoteEngine, 'answerInstead'> = { answerInstead: null };
  const listener: RequestListener = (request, response) => {
    const { url = '', headers } = request;
    seen.push({ path: url, host: headers.host ?? '', authorization: headers.authorization ?? null });
    if (!url.startsWith(`${basePath}/`)) return refuse(response, 404, 'no such path');
    const path = url.slice(basePath.length);
    if (remote.answerInstead?.(path, response)) return;
    const isGuarded = /^\/(v1|inference)\//.test(path);
    if (isGuarded && authorization !== undefined && headers.authorization !== authorization) {
      return refuse(response, 401, 'Unauthorized');
    }
    forward(socketPath, path, request, response);
  };
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(remote, {
    url: `http${tls ? 's' : ''}://127.0.0.1:${port}${basePath}`,
    seen,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
}

function forward(socketPath: string, path: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, headers } = request;
  const inside = ask({ socketPath, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  inside.on('error', () => response.destroy());
  response.on('close', () => inside.destroy());
  request.pipe(inside);
}

/** vLLM's form of an error. */
export function refuse(response: ServerResponse, status: number, message: string, headers: object = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ error: { message } }));
}

/** A TCP port of this machine that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
