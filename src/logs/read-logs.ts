import { sleep, type Clock } from '../domain/clock.ts';
import type { LogSource } from './log-files.ts';
import { LogTail } from './log-tail.ts';

const POLL_MS = 250;

/** One line, without its end, and the name of the log that it stands in. */
export interface LogLine {
  readonly source: string;
  readonly text: string;
}

export interface ReadLogs {
  /** Asked again while following: an engine that is added later is followed too. */
  readonly sources: () => readonly LogSource[];
  /** Lines of each log to begin with. */
  readonly count: number;
  readonly follow: boolean;
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/**
 * The last lines of each log, one log after another, then, with `follow`, what is added to any of them, until `signal`
 * aborts. Reads no faster than it is asked. Throws when a log that is there cannot be read.
 */
export async function* readLogs({ sources, count, follow, clock, signal }: ReadLogs): AsyncGenerator<LogLine> {
  const tails = new Map<string, LogTail>();
  for (const source of sources()) {
    const tail = new LogTail(source);
    tails.set(source.name, tail);
    const begin = await tail.last(count);
    yield* named(source, follow ? begin : await withRest(tail, begin, count));
  }
  if (!follow) return;
  while (!signal.aborted) {
    let isQuiet = true;
    for (const source of sources()) {
      const tail = tails.get(source.name) ?? new LogTail(source);
      tails.set(source.name, tail);
      const lines = await tail.next();
      isQuiet &&= lines.length === 0;
      yield* named(source, lines);
    }
    if (isQuiet) await sleep(clock, POLL_MS, signal);
  }
}

/** What is being written just now may have no end yet. */
async function withRest(tail: LogTail, begin: readonly string[], count: number): Promise<readonly string[]> {
  const added = await tail.next();
  return count === 0 ? [] : [...begin, ...added, ...tail.rest()].slice(-count);
}

function* named({ name }: LogSource, lines: readonly string[]): Generator<LogLine> {
  for (const text of lines) yield { source: name, text };
}
