import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../domain/refusal.ts';
import { describePortHolder } from '../system/port-holder.ts';

/** Where to listen. */
export interface Listener {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** A socket that listens there already, opened by the service manager; null: one is opened. */
  readonly descriptor: number | null;
}

/**
 * Opens the listener and returns the URL to paste on this machine. Throws a `Refusal` that names who holds the port, or
 * why the address cannot be used.
 */
export async function listen(app: FastifyInstance, { host, port, descriptor }: Listener): Promise<string> {
  try {
    // Fastify hands its options on to Node.js, where a descriptor goes before host and port.
    const options = descriptor === null ? { host, port } : { host, port, fd: descriptor };
    await app.listen(options);
  } catch (cause) {
    await app.close();
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Refusal(
      'unavailable',
      code === 'EADDRINUSE' ? portTaken(port) : `Cannot listen on ${host}:${port}: ${message}.`,
      { cause },
    );
  }
  const address = app.server.address() as AddressInfo;
  return `http://${shownHost(host)}:${address.port}`;
}

function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function portTaken(port: number): string {
  const holder = describePortHolder(port);
  const held = holder === null ? 'by another process' : `by ${holder}`;
  return `Port ${port} is taken ${held}. End that process, or choose another port with --port.`;
}
