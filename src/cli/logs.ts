import type { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { InvalidArgumentError, type Command } from 'commander';
import { Refusal } from '../domain/refusal.ts';
import { CHORUS_LOG, logSources, type LogSource } from '../logs/log-files.ts';
import { readLogs, type LogLine } from '../logs/read-logs.ts';
import { systemClock } from '../system/clock.ts';
import { untilReaderGone, writeLines } from './output.ts';
import { describeRecord, readRecord } from './log-record.ts';
import { addServerFlags, stateDirOf, type ServerFlags } from './server-client.ts';

type LogFlags = ServerFlags & { readonly follow: boolean; readonly lines: string };

const DEFAULT_LINES = '100';

/** Adds `chorus logs`. It reads the state directory: no server has to run. */
export function addLogsCommand(program: Command, output: Writable): void {
  addServerFlags(program.command('logs').argument('[engine]', `an engine, or ${CHORUS_LOG}: its own log alone`))
    .description("Chorus's own log and those of its engines, each line behind its name")
    .option('-f, --follow', 'go on with what is added, over restarts too, until Ctrl-C', false)
    .option('-n, --lines <n>', 'lines of each log to begin with', readCount, DEFAULT_LINES)
    .action((name: string | undefined, flags: LogFlags) => logs(name, flags, output));
}

function readCount(text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
  throw new InvalidArgumentError('Give a whole number of lines.');
}

async function logs(name: string | undefined, { follow, lines, ...flags }: LogFlags, output: Writable): Promise<void> {
  const stateDir = await stateDirOf(flags);
  const sources = (): readonly LogSource[] => chosenSources(stateDir, name);
  if (name !== undefined && sources().length === 0) throw unknownLog(stateDir, name);
  const width = Math.max(...sources().map((source) => source.name.length));
  const prefix = (source: string): string => (name === undefined ? `${source.padEnd(width)} | ` : '');
  const signal = untilReaderGone(output);
  const read = readLogs({ sources, count: Number(lines), follow, clock: systemClock, signal });
  const text = (line: LogLine): string => (flags.json ? asJson(line) : `${prefix(line.source)}${asText(line)}`);
  await writeLines(output, textsOf(read, text), signal);
}

async function* textsOf(lines: AsyncIterable<LogLine>, text: (line: LogLine) => string): AsyncGenerator<string> {
  for await (const line of lines) yield text(line);
}

function chosenSources(stateDir: string, name: string | undefined): readonly LogSource[] {
  return logSources(stateDir).filter((source) => name === undefined || source.name === name);
}

function unknownLog(stateDir: string, name: string): Refusal {
  const names = logSources(stateDir).map((source) => source.name);
  return new Refusal('usage', `There is no log of '${name}' in ${stateDir}. There are ${names.join(', ')}.`);
}

function asText({ source, text }: LogLine): string {
  const record = source === CHORUS_LOG ? readRecord(text) : null;
  return stripVTControlCharacters(record === null ? text : describeRecord(record));
}

function asJson({ source, text }: LogLine): string {
  const record = source === CHORUS_LOG ? readRecord(text) : null;
  return JSON.stringify({ source, ...(record ?? { text }) });
}
