import { ERRORS } from '../domain/errors.ts';
import type { TurnReport } from '../turn/turn-report.ts';
import type { Logger } from '../system/logger.ts';

/** One HTTP request that was answered, or whose client left. */
export interface RequestReport {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, never the path that was asked for: a finite set of words. */
  readonly route: string;
  /** The status; 499 where the client left before there was one. */
  readonly code: number;
  readonly durationMs: number;
}

const SERVER_ERRORS = 500;

/** A line for every request at debug: at info the log tells what an operator did not expect. */
export function logRequest(logger: Logger, report: RequestReport): void {
  if (logger.isLevelEnabled('debug')) logger.debug({ ...report, durationMs: Math.round(report.durationMs) }, 'request');
}

/** A line for every turn: at warn one that Chorus or its engines failed, at debug all others. */
export function logTurn(logger: Logger, report: TurnReport): void {
  const level = report.error !== null && ERRORS[report.error].status >= SERVER_ERRORS ? 'warn' : 'debug';
  if (!logger.isLevelEnabled(level)) return;
  const { firstOutputMs, durationMs, caller, ...rest } = report;
  const { project, keyId } = caller;
  const times = { firstOutputMs: firstOutputMs && Math.round(firstOutputMs), durationMs: Math.round(durationMs) };
  logger[level]({ ...rest, project, keyId, ...times }, 'turn');
}
