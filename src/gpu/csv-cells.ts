import { MiB } from '../domain/units.ts';

/** Every way in which drivers say that they do not tell a figure. */
const UNKNOWN_CELLS = new Set([
  '',
  'N/A',
  'ERR!',
  '[N/A]',
  '[Not Supported]',
  '[Not Found]',
  '[Unknown Error]',
  '[Insufficient Permissions]',
  '[GPU requires reset]',
  'Requested functionality has been deprecated',
]);

/** One row of `--format=csv,noheader,nounits`, by field. What the driver does not tell is null, never 0. */
export interface CsvRow {
  /** As it was printed. */
  readonly line: string;
  readonly text: (field: string) => string | null;
  readonly figure: (field: string) => number | null;
  /** From MiB. */
  readonly bytes: (field: string) => number | null;
}

export interface CsvForm {
  /** The last field may contain commas itself, as names of programs do. */
  readonly isLastFree?: boolean;
}

/** The row, or null for a line with another number of cells. */
export function csvRow(line: string, fields: readonly string[], { isLastFree = false }: CsvForm = {}): CsvRow | null {
  const cut = line.split(',');
  const last = fields.length - 1;
  const cells = (isLastFree ? [...cut.slice(0, last), cut.slice(last).join(',')] : cut).map((cell) => cell.trim());
  if (cells.length !== fields.length) return null;
  const text = (field: string): string | null => {
    const cell = cells[fields.indexOf(field)] ?? '';
    return UNKNOWN_CELLS.has(cell) ? null : cell;
  };
  const figure = (field: string): number | null => {
    const value = Number(text(field) ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  };
  const bytes = (field: string): number | null => {
    const mebibytes = figure(field);
    return mebibytes === null ? null : mebibytes * MiB;
  };
  return { line, text, figure, bytes };
}

/** The lines that say something. */
export function linesOf(csv: string): readonly string[] {
  return csv
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '');
}
