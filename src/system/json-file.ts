import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Static, TSchema } from 'typebox';
import Value from 'typebox/value';

/** What a JSON file holds, or null when it is absent, damaged, or of another shape. */
export function readJsonFile<Schema extends TSchema>(file: string, schema: Schema): Static<Schema> | null {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Value.Check(schema, content) ? content : null;
  } catch {
    return null; // not there, or half of it
  }
}

/** Writes a JSON file in one step, so that no reader sees half of it. Throws when it cannot be written. */
export function writeJsonFile(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, `${JSON.stringify(content, null, 1)}\n`);
  renameSync(`${file}.part`, file);
}
