import { CodedError } from '../domain/errors.ts';
import { DAY_MS } from '../domain/units.ts';
import { USAGE_DIMENSIONS, type UsageDimension, type UsageFilter, type UsagePageQuery } from '../store/usage-ledger.ts';

/** What `/admin/usage` and `chorus usage` are asked with, as text. */
export interface UsageQueryText {
  readonly since?: string;
  readonly until?: string;
  readonly project?: string;
  readonly key?: string;
}

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1000;

const UNIT_MS: Readonly<Record<string, number>> = { d: DAY_MS, h: DAY_MS / 24, m: 60_000 };
const AGO = /^(\d{1,6})([dhm])$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** Throws a `CodedError` that names the parameter. */
export function readFilter({ since, until, project, key }: UsageQueryText, nowMs: number): UsageFilter {
  const sinceMs = since === undefined ? null : readMoment('since', since, nowMs);
  const untilMs = until === undefined ? null : readMoment('until', until, nowMs);
  if (sinceMs !== null && untilMs !== null && untilMs <= sinceMs) {
    throw new CodedError('invalid_value', 'until must be later than since.', { param: 'until' });
  }
  return { sinceMs, untilMs, project: project ?? null, keyId: key ?? null };
}

/** The dimensions of a list such as `project,day`. Throws a `CodedError`. */
export function readDimensions(by: string): UsageDimension[] {
  const names = by.split(',').map((name) => name.trim());
  return names.map((name, index) => {
    const dimension = USAGE_DIMENSIONS.find((known) => known === name);
    if (dimension !== undefined && !names.includes(name, index + 1)) return dimension;
    const problem = dimension === undefined ? `'${name.slice(0, 40)}' is none of them` : `'${name}' stands there twice`;
    const message = `by is a list of ${USAGE_DIMENSIONS.join(', ')}, such as project,day: ${problem}.`;
    throw new CodedError('invalid_value', message, { param: 'by' });
  });
}

/** Throws a `CodedError` that names the parameter. */
export function readPage(after: string | undefined, limit: string | undefined): Omit<UsagePageQuery, 'filter'> {
  return {
    after: after === undefined ? 0 : readCount('after', after, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    limit: limit === undefined ? DEFAULT_LIMIT : readCount('limit', limit, { minimum: 1, maximum: MAX_LIMIT }),
  };
}

function readMoment(param: string, text: string, nowMs: number): number {
  const [, count, unit = ''] = AGO.exec(text) ?? [];
  if (count !== undefined) return Math.max(0, nowMs - Number(count) * (UNIT_MS[unit] ?? 0));
  const moment = DATE.test(text) || TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (moment >= 0 && !rollsOver(text)) return moment;
  const message = `${param} is a time ago such as 7d, 12h or 30m, a day such as 2026-03-31 (UTC), or a time such as 2026-03-31T08:00Z.`;
  throw new CodedError('invalid_value', message, { param });
}

/** 31 February is the 3rd of March to JavaScript. */
function rollsOver(text: string): boolean {
  const day = text.slice(0, 10);
  const moment = Date.parse(day);
  return Number.isNaN(moment) || new Date(moment).toISOString().slice(0, 10) !== day;
}

function readCount(param: string, text: string, range: { readonly minimum: number; readonly maximum: number }): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count)) throw new CodedError('invalid_type', `${param} must be a whole number.`, { param });
  if (count < range.minimum) {
    throw new CodedError('integer_below_minimum', `${param} must be at least ${range.minimum}.`, { param });
  }
  if (count > range.maximum) {
    throw new CodedError('integer_above_maximum', `${param} must be at most ${range.maximum}.`, { param });
  }
  return count;
}
