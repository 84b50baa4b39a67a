import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const KEPT_FILES = 5;

/** A new log file `<engineId>.<n>.log` with the next number in `folder`; of the older ones the last four are kept. */
export function nextLogFile(folder: string, engineId: string): string {
  mkdirSync(folder, { recursive: true });
  const prefix = `${engineId}.`;
  const numbers = readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /^\d+\.log$/.test(name.slice(prefix.length)))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10))
    .toSorted((a, b) => a - b);
  for (const old of numbers.slice(0, 1 - KEPT_FILES)) {
    const file = join(folder, `${prefix}${old}.log`);
    for (const gone of [file, `${file}.old`]) rmSync(gone, { force: true });
  }
  return join(folder, `${prefix}${(numbers.at(-1) ?? 0) + 1}.log`);
}
