import type { CancelTimer, Clock } from '../domain/clock.ts';
import { Connection, type Address } from './connection.ts';
import { Exchange, type ConnectionSource, type ResponseListener } from './exchange.ts';

/** Below the five seconds after which the engine's server closes an idle connection, so that few die in use. */
const KEEP_ALIVE_MS = 4_000;

/** Between two attempts while the engine has too many connections waiting: about as long as it takes to take some. */
const QUEUE_FULL_WAIT_MS = 20;

/** For name, TCP and TLS together. An engine on this machine refuses or takes at once. */
const CONNECT_TIMEOUT_MS = 10_000;

const CLOSED = 'the connections to this engine were closed';

interface Idle {
  readonly connection: Connection;
  readonly sinceMs: number;
}

/** The connections to one engine: as many as there are requests at a time, each kept a while for another one. */
export class Connections implements ConnectionSource {
  readonly #address: Address;
  readonly #clock: Clock;
  readonly #all = new Set<Connection>();
  /** The longest idle first; the engine may have closed some of them. */
  #idle: Idle[] = [];
  #cancelSweep: CancelTimer | null = null;
  readonly #waiting = new Map<Exchange, CancelTimer>();

  constructor(address: Address, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  /** Sends a whole HTTP/1.1 request, head and body. Never throws: a failure to connect is told to the listener. */
  send(request: string, listener: ResponseListener): Exchange {
    return new Exchange(this, request, listener);
  }

  /** Closes everything; what is under way fails as cut. Resolves once all connections are gone. */
  async close(): Promise<void> {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    for (const cancel of this.#waiting.values()) cancel();
    const all = [...this.#all];
    for (const connection of all) connection.close(CLOSED);
    await Promise.all(all.map(({ closed }) => closed));
    for (const exchange of this.#waiting.keys()) {
      this.stopWaiting(exchange);
      exchange.onClosed('closed', CLOSED);
    }
  }

  takeIdle(): Connection | null {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (!idle.connection.isClosed) return idle.connection;
    }
    return null;
  }

  open(): Connection {
    const connection = new Connection(this.#address);
    this.#all.add(connection);
    if (!('path' in this.#address)) this.#limitConnecting(connection);
    void connection.closed.then(() => this.#all.delete(connection));
    return connection;
  }

  keep(connection: Connection): void {
    this.#idle.push({ connection, sinceMs: this.#clock.monotonicMs() });
    if (this.#cancelSweep === null) this.#scheduleSweep(KEEP_ALIVE_MS);
  }

  wait(exchange: Exchange): void {
    const retry = (): void => {
      this.#waiting.delete(exchange);
      exchange.reopen();
    };
    this.#waiting.set(exchange, this.#clock.schedule(QUEUE_FULL_WAIT_MS, retry));
  }

  stopWaiting(exchange: Exchange): void {
    this.#waiting.get(exchange)?.();
    this.#waiting.delete(exchange);
  }

  #limitConnecting(connection: Connection): void {
    const message = `no connection within ${CONNECT_TIMEOUT_MS / 1000} s`;
    const cancel = this.#clock.schedule(CONNECT_TIMEOUT_MS, () => connection.giveUpConnecting(message));
    void connection.settled.then(cancel);
  }

  #scheduleSweep(delayMs: number): void {
    this.#cancelSweep = this.#clock.schedule(delayMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep = null;
    const oldestMs = this.#clock.monotonicMs() - KEEP_ALIVE_MS;
    for (const { connection, sinceMs } of this.#idle) if (sinceMs <= oldestMs) connection.close('idle for too long');
    this.#idle = this.#idle.filter(({ connection }) => !connection.isClosed);
    const [longest] = this.#idle;
    if (longest) this.#scheduleSweep(longest.sinceMs - oldestMs);
  }
}
