import type { Connection, ConnectionLoss, ConnectionUser } from './connection.ts';
import { ResponseReader, type ResponseSink } from './response-reader.ts';

/** Hears one response, to its `onComplete` or `onFailed`. */
export interface ResponseListener extends ResponseSink {
  /** All of one read has been handed on, and more is to come. */
  onRead(): void;
  onComplete(): void;
  /** `unreachable`: there was no connection; `cut`: it ended, or what it brought cannot be read. */
  onFailed(reason: 'unreachable' | 'cut', message: string): void;
}

/** Where connections come from and go to. */
export interface ConnectionSource {
  /** One that carries nothing now and has carried something before; null: there is none. */
  takeIdle(): Connection | null;
  /** A new one. */
  open(): Connection;
  /** Takes back one that may carry another request. */
  keep(connection: Connection): void;
  /** Calls `reopen` in a while, or `onClosed` when everything is closed. */
  wait(exchange: Exchange): void;
  /** Calls neither any more. Harmless for one that does not wait. */
  stopWaiting(exchange: Exchange): void;
}

/**
 * One request and its response. A kept connection may have been closed by the engine just before the request came: then
 * it is sent once more, on a new one. Nothing but silence came back, so the engine has at most computed for nobody. And
 * when the engine is so slow to take connections that its socket lets no more wait, this waits for it to.
 */
export class Exchange implements ConnectionUser {
  readonly #source: ConnectionSource;
  readonly #listener: ResponseListener;
  readonly #reader: ResponseReader;
  /** As long as it may have to be sent again. */
  #request: string | null;
  #connection: Connection | null;
  /** Whether the connection was another's before. */
  #kept: boolean;
  #paused = false;

  /** Sends `request`; the listener is called after this tick at the earliest. */
  constructor(source: ConnectionSource, request: string, listener: ResponseListener) {
    this.#source = source;
    this.#listener = listener;
    this.#reader = new ResponseReader(listener);
    this.#request = request;
    const kept = source.takeIdle();
    this.#kept = kept !== null;
    this.#connection = kept ?? source.open();
    this.#connection.send(request, this);
  }

  /** Closes the connection, and calls nothing any more. Idempotent, and harmless after the end. */
  abort(): void {
    this.#source.stopWaiting(this);
    this.#leave()?.close('aborted');
  }

  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#connection?.resume();
  }

  /** Sends the request once more, on a new connection. */
  reopen(): void {
    if (this.#request === null) return;
    this.#kept = false;
    this.#connection = this.#source.open();
    if (this.#paused) this.#connection.pause();
    this.#connection.send(this.#request, this);
  }

  onBytes(bytes: Buffer, length: number): void {
    this.#request = null;
    const state = this.#reader.push(bytes, length);
    // The listener may have aborted while it was told what came.
    if (this.#connection === null) return;
    if (state === 'more') this.#listener.onRead();
    else if (state === 'complete') this.#complete();
    else this.#fail(this.#reader.problem);
  }

  onEnd(): void {
    if (this.#reader.endOfConnection()) this.#complete();
  }

  onClosed(how: ConnectionLoss, message: string): void {
    this.#connection = null;
    if (how === 'queue_full') this.#source.wait(this);
    else if (how === 'broken' && this.#kept && this.#request !== null) this.reopen();
    else this.#listener.onFailed(how === 'not_connected' ? 'unreachable' : 'cut', message);
  }

  #complete(): void {
    const connection = this.#leave();
    if (connection && this.#reader.keepAlive && connection.isFlushed) {
      if (this.#paused) connection.resume();
      this.#source.keep(connection);
    } else connection?.close('the response is complete');
    this.#listener.onComplete();
  }

  #fail(message: string): void {
    this.#leave()?.close(message);
    this.#listener.onFailed('cut', message);
  }

  #leave(): Connection | null {
    const connection = this.#connection;
    this.#connection = null;
    connection?.release();
    return connection;
  }
}
