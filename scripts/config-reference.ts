/** Writes what is derived from the schema of the settings: `configs/schema.json` and the table in `configs/README.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { defaultInWords } from '../src/cli/config-flags.ts';
import { CONFIG_SCHEMA } from '../src/config/schema.ts';
import type { TakesEffect } from '../src/config/setting-notes.ts';
import { allowedValues, SETTINGS, type Setting, type SettingSchema } from '../src/config/settings.ts';

const SCHEMA_FILE = fileURLToPath(new URL('../configs/schema.json', import.meta.url));
const REFERENCE_FILE = fileURLToPath(new URL('../configs/README.md', import.meta.url));
const TABLE = /(<!-- settings: [^>]*-->\n)[^]*?(<!-- \/settings -->)/;

/** A derived file as it stands and as the schema wants it. */
export interface DerivedFile {
  readonly file: string;
  readonly current: string;
  readonly wanted: string;
}

export async function derivedFiles(): Promise<readonly DerivedFile[]> {
  const schema = readFileSync(SCHEMA_FILE, 'utf8');
  const reference = readFileSync(REFERENCE_FILE, 'utf8');
  const withTable = reference.replace(
    TABLE,
    (_, open: string, close: string) => `${open}\n${settingsTable()}\n\n${close}`,
  );
  return [
    { file: SCHEMA_FILE, current: schema, wanted: await formatted(JSON.stringify(jsonSchema()), SCHEMA_FILE) },
    { file: REFERENCE_FILE, current: reference, wanted: await formatted(withTable, REFERENCE_FILE) },
  ];
}

async function formatted(text: string, file: string): Promise<string> {
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}

/** JSON Schema of a configuration file: every setting may be absent, nothing else may be there. */
function jsonSchema(): object {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'Chorus', ...fileSchema(CONFIG_SCHEMA) };
}

function fileSchema({
  notes,
  properties,
  ...schema
}: SettingSchema & { readonly required?: readonly string[] }): object {
  if (properties === undefined) {
    const { defaultText } = notes ?? {};
    return { ...schema, ...(defaultText ? { description: `${schema.description}. Default: ${defaultText}` } : {}) };
  }
  const { required: _, ...group } = schema;
  return {
    ...group,
    // A group whose settings are all commented out.
    type: ['object', 'null'],
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(properties).map(([key, child]) => [key, fileSchema(child)])),
  };
}

/** What a reload does with a changed value. */
const RELOAD: Readonly<Record<TakesEffect | 'restart', string>> = {
  at_once: 'at once',
  next_start: 'next start',
  engines: 'engines',
  restart: '-',
};

function settingsTable(): string {
  const rows = SETTINGS.map((setting) => [
    `\`${setting.path}\``,
    `\`${setting.flag}\``,
    `\`${setting.variable}\``,
    defaultInWords(setting),
    RELOAD[setting.notes.takesEffect ?? 'restart'],
    meaning(setting),
  ]);
  const header = ['Setting', 'Flag', 'Variable', 'Default', 'Reload', 'Meaning'];
  const lines = [header, header.map(() => '-'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function meaning({ description, schema, notes }: Setting): string {
  return notes.isPath ? description : `${description} (${allowedValues(schema)})`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { file, current, wanted } of await derivedFiles()) {
    if (current !== wanted) writeFileSync(file, wanted);
    console.log(`${current === wanted ? 'current' : 'written'}: ${file}`);
  }
}
