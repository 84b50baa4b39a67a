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
}

/**
 * One request and its response. A kept connection may have been closed by the engine just before the request came: then
 * it is sent once more, on a new one. Nothing but silence came back, so the engine has at most computed for nobody.
 */
export class Exchange implements ConnectionUser {
  readonly #source: ConnectionSource;
  readonly #listener: ResponseListener;
  readonly #reader: ResponseReader;
  /** The request, as long as it may have to be sent again. */
  #again: string | null;
  #connection: Connection | null;
  #paused = false;

  /** Sends `request`; the listener is called after this tick at the earliest. */
  constructor(source: ConnectionSource, request: string, listener: ResponseListener) {
    this.#source = source;
    this.#listener = listener;
    this.#reader = new ResponseReader(listener);
    const kept = source.takeIdle();
    this.#again = kept ? request : null;
    this.#connection = kept ?? source.open();
    this.#connection.send(request, this);
  }

  /** Closes the connection, and calls nothing any more. Idempotent, and harmless after the end. */
  abort(): void {
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

  onBytes(bytes: Buffer, length: number): void {
    this.#again = null;
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
    const request = this.#again;
    this.#again = null;
    this.#connection = null;
    if (how === 'closed' || request === null) {
      return this.#listener.onFailed(how === 'not_connected' ? 'unreachable' : 'cut', message);
    }
    this.#connection = this.#source.open();
    if (this.#paused) this.#connection.pause();
    this.#connection.send(request, this);
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
