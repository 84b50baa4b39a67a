import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from '../config/schema.ts';
import { Refusal } from '../domain/refusal.ts';
import { MiB } from '../domain/units.ts';
import { describeError } from './describe-error.ts';

export type { Logger } from 'pino';

/** What is written, and how much of it is kept. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** A file that has grown so far becomes `.old`, in the place of the one before it, and a fresh one begins. */
  readonly maxBytes: number;
}

const DEFAULTS: LoggerOptions = { level: 'info', maxBytes: 64 * MiB };

/**
 * The process's log: one JSON object a line at the end of `file`. Info is for milestones, warn for what failed, debug for
 * every request. Prompts, outputs and keys are never fields, nor is a text that may quote them: of an error (`err`) only
 * what `describeError` keeps. A line that cannot be written (a full disk) is lost and stops nobody: `warn` hears of the
 * first one, and of their number when writing works again. Throws a `Refusal` when the file cannot be opened.
 */
export function createLogger(
  file: string,
  warn: (line: string) => void,
  { level, maxBytes }: LoggerOptions = DEFAULTS,
): Logger {
  const settings = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } };
  return pino(settings, new LogFile(file, maxBytes, warn));
}

/** Not pino's own destination, which waits for ever on a full disk when it is flushed. */
class LogFile implements DestinationStream {
  readonly #file: string;
  readonly #maxBytes: number;
  readonly #warn: (line: string) => void;
  #descriptor: number;
  /** Of the file, as far as it was written here. */
  #size: number;
  #lostLines = 0;

  constructor(file: string, maxBytes: number, warn: (line: string) => void) {
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#warn = warn;
    try {
      this.#descriptor = openLog(file);
    } catch (cause) {
      throw new Refusal('cannotCreate', `The log ${file} cannot be opened: ${(cause as Error).message}.`, { cause });
    }
    this.#size = fstatSync(this.#descriptor).size;
  }

  write(line: string): void {
    try {
      if (this.#size >= this.#maxBytes) this.#beginAgain();
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

  /** A failure leaves the full file, and is tried again when as much is written once more. */
  #beginAgain(): void {
    this.#size = 0;
    try {
      renameSync(this.#file, `${this.#file}.old`);
      const full = this.#descriptor;
      this.#descriptor = openLog(this.#file);
      closeSync(full);
    } catch (error) {
      this.#warn(`The log ${this.#file} cannot begin again and grows on: ${(error as Error).message}`);
    }
  }

  #writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(this.#descriptor, bytes, at);
      at += written;
      this.#size += written;
    }
  }
}

const openLog = (file: string): number => openSync(file, 'a', 0o600);
