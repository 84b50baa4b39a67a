import type { ReloadReport } from '../deployment/deployment.ts';
import type { LogLine } from '../logs/read-logs.ts';
import type { EngineReport } from './reports.ts';

/** An order to an engine that was taken; it is carried out after the answer. */
export interface EngineOrder {
  /** The engine as it was when the order came. */
  readonly before: EngineReport;
  /** How long its answers may go on. */
  readonly drainMs: number;
}

export interface LogWish {
  /** Lines to begin with. */
  readonly count: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** What an operator can ask of a running server. Throws a `CodedError` that names the engines for one there is not. */
export interface Operator {
  /** Stops the engine when its answers have finished; it stays stopped. */
  drain(engineId: string): EngineOrder;
  /** Stops it likewise and starts it anew. */
  restart(engineId: string): EngineOrder;
  /** Starts one that is stopped or has failed; one that runs is left alone. */
  start(engineId: string): EngineOrder;
  /** One engine as it is. */
  engine(engineId: string): EngineReport;
  /** Reads the settings again and applies them; throws when they cannot be used. */
  reload(): Promise<ReloadReport>;
  logs(engineId: string, wish: LogWish): AsyncGenerator<LogLine>;
}
