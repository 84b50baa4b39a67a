import type { RemoteEndpoint } from '../domain/replica.ts';
import type { Probes } from '../engine/health.ts';
import type { Run, RunEnd } from '../engine/run.ts';
import { unreachable } from './failures.ts';

/**
 * A time in which Chorus deals with an engine elsewhere. Nothing of it runs here: it begins by meeting the engine, and
 * ends when it is told to.
 */
export class RemoteRun implements Run {
  readonly endpoint: RemoteEndpoint;
  readonly probes: Probes;
  readonly pid = null;
  readonly logFile = null;
  /** Who or what ends an engine elsewhere is not known, so that its end is no proof against a request. */
  readonly wasEndedByHand = true;
  readonly #ended = Promise.withResolvers<void>();

  constructor(endpoint: RemoteEndpoint, probes: Probes) {
    this.endpoint = endpoint;
    this.probes = probes;
  }

  keepRecord(): void {}

  noteHealthy(): void {}

  exited(): Promise<void> {
    return this.#ended.promise;
  }

  terminate(): void {
    this.#ended.resolve();
  }

  kill(): void {
    this.#ended.resolve();
  }

  sweep(): Promise<RunEnd> {
    return Promise.resolve({ survivors: [], failure: unreachable('Chorus has turned away from it') });
  }
}
