import type { Writable } from 'node:stream';
import type { Command } from 'commander';
import { CodedError } from '../domain/errors.ts';
import { Refusal } from '../domain/refusal.ts';
import { formatCount } from '../domain/units.ts';
import type { UsageObject, UsageTotalObject, UsageTotalsObject } from '../ledger/usage-objects.ts';
import { readDimensions, readFilter, type UsageQueryText } from '../ledger/usage-query.ts';
import { USAGE_DIMENSIONS, type UsageDimension, type UsageFilter } from '../store/usage-ledger.ts';
import { systemClock } from '../system/clock.ts';
import { csvLine } from './csv.ts';
import { writeLines } from './output.ts';
import { addServerFlags, stateDirOf, type ServerFlags } from './server-client.ts';
import { formatTable } from './table.ts';
import { openUsageSource, usageRows, type UsageSource } from './usage-source.ts';

interface Wish {
  readonly filter: UsageFilter;
  readonly by: readonly UsageDimension[];
  readonly format: 'table' | 'csv' | 'json';
}

type UsageFlags = ServerFlags & UsageQueryText & { readonly by: string; readonly csv: boolean; readonly rows: boolean };

const DEFAULT_BY = 'project,key';

/** Adds `chorus usage`. It asks the running server, or reads the store where none runs. */
export function addUsageCommand(program: Command, output: Writable): void {
  addServerFlags(program.command('usage'))
    .description('what requests cost: how many, and their tokens; one line an entry with --csv or --json')
    .option('--since <time>', 'ended then or later: 7d, 12h, 2026-03-01 (UTC) or 2026-03-01T08:00Z')
    .option('--until <time>', 'ended before then')
    .option('--project <name>', 'of this project')
    .option('--key <id>', 'of this key')
    .option('--by <list>', `add up by any of ${USAGE_DIMENSIONS.join(', ')}`, DEFAULT_BY)
    .option('--rows', 'every request on a line of its own, not added up; as CSV unless --json', false)
    .option('--csv', 'as CSV', false)
    .action((flags: UsageFlags) => usage(flags, output));
}

async function usage(flags: UsageFlags, output: Writable): Promise<void> {
  const { since, until, project, key, by, rows, csv, ...rest } = flags;
  if (csv && rest.json) throw new Refusal('usage', 'Give --csv or --json, not both.');
  if (rows && by !== DEFAULT_BY) throw new Refusal('usage', 'Rows are not added up: leave out --by, or --rows.');
  const wish: Wish = {
    filter: read(() => readFilter(withoutAbsent({ since, until, project, key }), systemClock.nowMs())),
    by: read(() => readDimensions(by)),
    format: rest.json ? 'json' : csv || rows ? 'csv' : 'table',
  };
  const source = await openUsageSource(await stateDirOf(rest));
  try {
    await writeLines(
      output,
      rows ? rowLines(source, wish) : totalLines(await source.totals(wish.filter, wish.by), wish),
    );
  } finally {
    await source.close();
  }
}

/** What is wrong with a flag is what would be wrong with the parameter of the same name. */
function read<T>(reading: () => T): T {
  try {
    return reading();
  } catch (error) {
    throw error instanceof CodedError ? new Refusal('usage', `--${error.message}`, { cause: error }) : error;
  }
}

function withoutAbsent(words: { readonly [Name in keyof UsageQueryText]: string | undefined }): UsageQueryText {
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
}

async function* rowLines(source: UsageSource, { filter, format }: Wish): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(ROW_COLUMNS);
  for await (const row of usageRows(source, filter)) {
    yield format === 'json' ? JSON.stringify(row) : csvLine(ROW_COLUMNS.map((column) => row[column]));
  }
}

function totalLines({ data }: UsageTotalsObject, { by, format }: Wish): readonly string[] {
  switch (format) {
    case 'json':
      return data.map((total) => JSON.stringify(total));
    case 'csv': {
      const columns = [...by, ...SUM_COLUMNS];
      return [csvLine(columns), ...data.map((total) => csvLine(columns.map((column) => total[column] ?? null)))];
    }
    case 'table':
      return describeTotals(data, by);
  }
}

const ROW_COLUMNS: readonly (keyof UsageObject)[] = [
  'position',
  'id',
  'ended_at',
  'project',
  'key',
  'api',
  'model',
  'stream',
  'outcome',
  'error',
  'simulated',
  'input_tokens',
  'cached_tokens',
  'output_tokens',
  'reasoning_tokens',
  'first_output_ms',
  'duration_ms',
];

const SUM_COLUMNS = [
  'requests',
  'failed',
  'aborted',
  'simulated',
  'input_tokens',
  'cached_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const;

/** As a person reads it: a table with its sum, and whether all of that came from a model. */
export function describeTotals(totals: readonly UsageTotalObject[], by: readonly UsageDimension[]): readonly string[] {
  if (totals.length === 0) return ['No requests.'];
  const header = [...by, ...SUM_COLUMNS].map((name) => name.replaceAll('_', ' ').toUpperCase());
  const sumOf = (column: (typeof SUM_COLUMNS)[number]): number => totals.reduce((sum, total) => sum + total[column], 0);
  const rows = totals.map((total) => [
    ...by.map((dimension) => String(total[dimension] ?? '-')),
    ...SUM_COLUMNS.map((column) => formatCount(total[column])),
  ]);
  const sums = [
    ...by.map((_, index) => (index === 0 ? 'all' : '')),
    ...SUM_COLUMNS.map((name) => formatCount(sumOf(name))),
  ];
  return [formatTable(header, totals.length === 1 ? rows : [...rows, sums])];
}
