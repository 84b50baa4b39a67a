import { isObject, type JsonObject } from '../domain/json.ts';

/** One line of Chorus's own log. */
export type LogRecord = JsonObject;

/** A line of the log as the record that it is; null for anything else, such as half a line. */
export function readRecord(line: string): LogRecord | null {
  try {
    const record: unknown = JSON.parse(line);
    return isObject(record) && 'msg' in record ? record : null;
  } catch {
    return null;
  }
}

/** pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** A record as a person reads it: time, level, message, then its fields. */
export function describeRecord({ time, level, msg, err, ...fields }: LogRecord): string {
  const shown = { ...fields, ...(err === undefined ? {} : { error: (err as { message?: unknown }).message ?? err }) };
  const words = Object.entries(shown).map(([name, value]) => `${name}=${fieldInWords(value)}`);
  return [String(time), (LEVELS[Number(level)] ?? String(level)).padEnd(5), String(msg), ...words].join(' ');
}

function fieldInWords(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
