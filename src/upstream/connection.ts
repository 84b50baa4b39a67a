import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** Where an engine listens: a unix socket, or a TCP port, with TLS or without. */
export type Address =
  { readonly path: string } | { readonly host: string; readonly port: number; readonly isSecure?: boolean };

/** Whoever has the connection now. Called in the tick of the socket's event. */
export interface ConnectionUser {
  /** The first `length` of `bytes` have come; they are valid only during the call. */
  onBytes(bytes: Buffer, length: number): void;
  /** The engine will send nothing more. The connection is closed after this. */
  onEnd(): void;
  /** The connection is gone; `message` tells people why. Comes after `onEnd`. */
  onClosed(how: ConnectionLoss, message: string): void;
}

/**
 * How a connection came to its end: it never stood; it would have, but more were waiting for the engine than its socket
 * lets wait; the engine (or its machine) ended it; or this program did.
 */
export type ConnectionLoss = 'not_connected' | 'queue_full' | 'broken' | 'closed';

/** What Linux says when a unix socket has as many connections waiting as its server's backlog (`man 2 connect`). */
const QUEUE_FULL = 'EAGAIN';

/**
 * All connections read into this one: a read is handed on and done with before the next one begins, so that none needs
 * memory of its own.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** One connection to an engine, which carries one request after the other. */
export class Connection {
  readonly #socket: Socket;
  #user: ConnectionUser | null = null;
  #loss: ConnectionLoss = 'not_connected';
  #message = 'the engine closed the connection';
  /** Resolves once the connection stands, or is gone before that. */
  readonly settled: Promise<void>;
  /** Resolves once the connection is gone. */
  readonly closed: Promise<void>;

  /** Connects to `address`; a failure to is told to the user, after this tick. */
  constructor(address: Address) {
    this.#socket = openSocket(address, { buffer: READ_BUFFER, callback: (length: number) => this.#onRead(length) });
    const settled = Promise.withResolvers<void>();
    this.settled = settled.promise;
    this.#socket.on(isSecure(address) ? 'secureConnect' : 'connect', () => {
      this.#loss = 'broken';
      settled.resolve();
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#message = error.message || error.name;
      if (this.#loss === 'not_connected' && error.code === QUEUE_FULL) this.#loss = 'queue_full';
    });
    this.#socket.on('end', () => {
      this.#user?.onEnd();
      this.#socket.destroy();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        const user = this.#user;
        this.#user = null;
        user?.onClosed(this.#loss, this.#message);
        settled.resolve();
        resolve();
      });
    });
  }

  /** Whether it is closed or closing. */
  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether all that was sent is out of this process. */
  get isFlushed(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Sends a whole request for `user`, who has the connection until `release` or its end. */
  send(request: string, user: ConnectionUser): void {
    this.#user = user;
    this.#socket.write(request);
  }

  /** Takes the connection from its user, who is told nothing any more. Bytes that come before the next one close it. */
  release(): void {
    this.#user = null;
  }

  /** Closes it; its user, if it still has one, is told why. */
  close(message: string): void {
    this.#loss = 'closed';
    this.#message = message;
    this.#socket.destroy();
  }

  /** Closes it unless it stands by now, as one that could not be made. */
  giveUpConnecting(message: string): void {
    if (this.#loss !== 'not_connected' || this.isClosed) return;
    this.#message = message;
    this.#socket.destroy();
  }

  /** Stops reading, also before it is connected. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The result says whether to read on; pausing does that already. */
  #onRead(length: number): boolean {
    if (this.#user) this.#user.onBytes(READ_BUFFER, length);
    else this.#socket.destroy();
    return true;
  }
}

const isSecure = (address: Address): boolean => 'isSecure' in address && (address.isSecure ?? false);

/** Between two probes of an idle connection over the network, so that a middlebox does not forget it unheard. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** TLS verifies the certificate for the host by name, or by address where it has none. */
function openSocket(address: Address, onread: { buffer: Buffer; callback: (length: number) => boolean }): Socket {
  if ('path' in address) return connect({ ...address, onread, noDelay: true });
  const { host, port } = address;
  const options = { host, port, onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
  if (!isSecure(address)) return connect(options);
  return connectSecurely({ ...options, servername: isIP(host) === 0 ? host : '', ALPNProtocols: ['http/1.1'] });
}
