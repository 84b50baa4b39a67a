import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { CONFIG_SCHEMA } from './schema.ts';
import type { SettingNotes } from './setting-notes.ts';

/** The parts of JSON Schema that settings are written with. */
export interface SettingSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: string;
  readonly anyOf?: readonly SettingSchema[];
  readonly items?: SettingSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly notes?: SettingNotes;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
}

/** One setting under all its names. */
export interface Setting {
  /** In the file: `server.port`. */
  readonly path: string;
  readonly keys: readonly string[];
  /** In the environment: the path in capitals behind `CHORUS_`. */
  readonly variable: string;
  /** On the command line: `--port`. */
  readonly flag: string;
  readonly description: string;
  /** Undefined for a setting that has no value until something is looked up. */
  readonly defaultValue: unknown;
  readonly schema: SettingSchema;
  readonly notes: SettingNotes;
}

function settingsUnder(schema: SettingSchema, keys: readonly string[]): Setting[] {
  if (schema.properties === undefined) return [settingOf(schema, keys)];
  return Object.entries(schema.properties).flatMap(([key, child]) => settingsUnder(child, [...keys, key]));
}

function settingOf(schema: SettingSchema, keys: readonly string[]): Setting {
  const notes = schema.notes ?? {};
  return {
    path: keys.join('.'),
    keys,
    variable: ['CHORUS', ...keys].join('_').toUpperCase(),
    flag: `--${notes.flag ?? (keys.at(-1) ?? '').replaceAll('_', '-')}`,
    description: schema.description ?? '',
    defaultValue: schema.default,
    schema,
    notes,
  };
}

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = settingsUnder(CONFIG_SCHEMA, []);

/** Why the setting cannot have this value, as the end of a sentence without its full stop, or null when it can. */
export function valueProblem({ schema, notes }: Setting, value: unknown): string | null {
  if (notes.discreetProblem) return notes.discreetProblem(value);
  if (!Value.Check(schema as TSchema, value)) return `is ${showValue(value)}. Allowed: ${allowedValues(schema)}`;
  const problem = notes.problem?.(value as never) ?? null;
  return problem === null ? null : `is ${showValue(value)}, which ${problem}`;
}

/** What a setting allows, in words: `auto or a whole number from 1 to 64`. */
export function allowedValues({ notes, type, minimum, maximum, ...schema }: SettingSchema): string {
  if (notes?.allowed !== undefined) return notes.allowed;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return orList(schema.enum.map(String));
  if (schema.anyOf !== undefined) return orList(schema.anyOf.map(allowedValues));
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`;
  if (type === 'number') return `a number from ${minimum} to ${maximum}`;
  return type === 'boolean' ? 'true or false' : 'a text that is not empty';
}

function orList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length === 1 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

const SHOWN_CHARACTERS = 80;

/** A value in one short line, as JSON, so that a text shows its quotes. */
export function showValue(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}

/** The value that a text stands for under this schema, or undefined when it stands for none. */
export function readText(text: string, schema: SettingSchema): unknown {
  return candidates(text, schema).find((value) => value !== undefined && Value.Check(schema as TSchema, value));
}

function candidates(text: string, { type, anyOf, items, ...schema }: SettingSchema): unknown[] {
  if (anyOf !== undefined) return anyOf.map((one) => readText(text, one));
  if (schema.enum !== undefined) return schema.enum.filter((value) => String(value) === text);
  if (type === 'array') return [readList(text, items ?? {})];
  if (type === 'boolean') return [{ true: true, false: false }[text.toLowerCase()]];
  if (type === 'integer' || type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? [Number(text)] : [];
  return [text];
}

/** Values separated by commas, or a JSON array, for values that hold commas themselves. */
function readList(text: string, items: SettingSchema): unknown {
  if (text.trimStart().startsWith('[')) return parseJson(text);
  return text.split(',').map((part) => readText(part.trim(), items) ?? part.trim());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
