import pino, { type Logger } from 'pino';

export type { Logger } from 'pino';

/**
 * The process's log: one JSON object a line on `destination` (a file path, or 2 for standard error). Info is for
 * milestones, debug for requests. Prompts, outputs and keys are never fields.
 */
export function createLogger(destination: string | number, level = 'info'): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: destination, sync: true }),
  );
}
