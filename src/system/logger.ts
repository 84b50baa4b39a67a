import { openSync, writeSync } from 'node:fs';
import pino, { type DestinationStream, type Logger } from 'pino';
import { Refusal } from '../domain/refusal.ts';

export type { Logger } from 'pino';

/**
 * The process's log: one JSON object a line at the end of `file`. Info is for milestones, debug for requests. Prompts,
 * outputs and keys are never fields. A line that cannot be written (a full disk) is lost and stops nobody: `warn` hears
 * of the first one, and of their number when writing works again. Throws a `Refusal` when the file cannot be opened.
 */
export function createLogger(file: string, warn: (line: string) => void, level = 'info'): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, new LogFile(file, warn));
}

/** Not pino's own destination, which waits for ever on a full disk when it is flushed. */
class LogFile implements DestinationStream {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #warn: (line: string) => void;
  #lostLines = 0;

  constructor(file: string, warn: (line: string) => void) {
    this.#file = file;
    this.#warn = warn;
    try {
      this.#descriptor = openSync(file, 'a', 0o600);
    } catch (cause) {
      throw new Refusal('cannotCreate', `The log ${file} cannot be opened: ${(cause as Error).message}.`, { cause });
    }
  }

  write(line: string): void {
    try {
      // Half of a lost line may be in the file: the next one begins on its own.
      this.#writeAll(Buffer.from(this.#lostLines > 0 ? `\n${line}` : line));
    } catch (error) {
      this.#lostLines++;
      if (this.#lostLines === 1) {
        this.#warn(`The log ${this.#file} cannot be written, Chorus goes on without it: ${(error as Error).message}`);
      }
      return;
    }
    if (this.#lostLines > 0) this.#warn(`The log ${this.#file} is written again; ${this.#lostLines} lines are lost.`);
    this.#lostLines = 0;
  }

  #writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
  }
}
