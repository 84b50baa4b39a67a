import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import { spawnOn } from './program.ts';

export interface Nginx {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

const START_DEADLINE_MS = 5000;
const POLL_MS = 20;

/** Where nginx is, or null. It often stands outside a user's PATH. */
export function findNginx(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find(existsSync) ?? null;
}

/** Starts nginx as one process that proxies to the sockets, unbuffered, over kept connections. */
export async function startNginx(file: string, directory: string, socketPaths: readonly string[]): Promise<Nginx> {
  const port = await freePort();
  const configuration = join(directory, `nginx-${port}.conf`);
  writeFileSync(configuration, configure(port, directory, socketPaths));
  const child = spawnOn('measured', [file, '-e', 'stderr', '-c', configuration], ['ignore', 'inherit', 'inherit']);
  const exited = once(child, 'exit');
  await untilListening(child, port);
  return {
    pid: child.pid ?? 0,
    port,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + START_DEADLINE_MS;
  while (systemClock.monotonicMs() < deadlineMs && child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(systemClock, POLL_MS);
  }
  throw new Error('nginx does not listen');
}

const configure = (port: number, directory: string, socketPaths: readonly string[]): string => `
daemon off;
master_process off;
pid ${directory}/nginx-${port}.pid;
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_timeout 600s;
  keepalive_requests 1000000;
  client_body_temp_path ${directory}/nginx-body;
  proxy_temp_path ${directory}/nginx-proxy;
  fastcgi_temp_path ${directory}/nginx-fastcgi;
  uwsgi_temp_path ${directory}/nginx-uwsgi;
  scgi_temp_path ${directory}/nginx-scgi;
  upstream engines {
    ${socketPaths.map((path) => `server unix:${path};`).join('\n    ')}
    keepalive 1024;
    keepalive_requests 1000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://engines;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`;
