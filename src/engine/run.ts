import type { Endpoint } from '../domain/replica.ts';
import type { EngineFailure } from './failures.ts';
import type { Probes } from './health.ts';

/** One start of an engine, from its beginning to what is left of it. */
export interface Run {
  readonly endpoint: Endpoint;
  readonly probes: Probes;
  /** Null where no process of this machine is behind it. */
  readonly pid: number | null;
  readonly logFile: string | null;
  /** Somebody ended it, so that its end says nothing against the requests that it ran. */
  readonly wasEndedByHand: boolean;
  /** It is looked at: what of it is on disk may be renewed. */
  keepRecord(): void;
  /** A look found it well. */
  noteHealthy(): void;
  /** Resolves when it is over. */
  exited(): Promise<void>;
  /** Ends it in order. */
  terminate(): void;
  /** Ends it now. */
  kill(): void;
  /** Ends what is left after its exit; says why it ended. */
  sweep(deadlineMs: number, hasServed: boolean): Promise<RunEnd>;
}

export interface RunEnd {
  /** Pids that SIGKILL did not end. */
  readonly survivors: readonly number[];
  /** What exit and log say about the end. */
  readonly failure: EngineFailure;
}
