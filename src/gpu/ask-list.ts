import { csvRow, linesOf, type CsvRow } from './csv-cells.ts';
import { listQuestion, type NvidiaSmi, type NvidiaSmiOutcome } from './run-nvidia-smi.ts';

const UNKNOWN_FIELD = /Field "(.+?)" is not a valid field to query/;

/** What nvidia-smi said to a list question. */
export interface ListAnswer {
  /** How the last question ended. */
  readonly outcome: NvidiaSmiOutcome;
  /** Those that this driver knows; the others read as null in every row. */
  readonly fields: readonly string[];
  readonly rows: readonly CsvRow[];
  /** Lines that are no row. */
  readonly unreadable: readonly string[];
}

/**
 * Asks for these fields of every card, without those that the driver does not know: it names one at a time and then
 * answers nothing else. `first` is the answer to the whole question, where it was asked already. Never rejects.
 */
export async function askList(
  nvidiaSmi: NvidiaSmi,
  fields: readonly string[],
  first?: NvidiaSmiOutcome,
): Promise<ListAnswer> {
  const outcome = first ?? (await nvidiaSmi.ask(...listQuestion('gpu', fields)));
  if (outcome.kind !== 'finished') return { outcome, fields, rows: [], unreadable: [] };
  const unknown = UNKNOWN_FIELD.exec(outcome.output)?.[1];
  if (unknown !== undefined && fields.includes(unknown)) {
    return askList(
      nvidiaSmi,
      fields.filter((field) => field !== unknown),
    );
  }
  const lines = linesOf(outcome.stdout).map((line) => csvRow(line, fields) ?? line);
  return {
    outcome,
    fields,
    rows: lines.filter((line) => typeof line !== 'string'),
    unreadable: lines.filter((line) => typeof line === 'string'),
  };
}
