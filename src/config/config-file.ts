import { isMap, isScalar, LineCounter, parseDocument, visit, type Document, type Node, type YAMLMap } from 'yaml';
import { joinLayers, layerOf, type Layer } from './given.ts';
import { settingOfOption } from './engine-arguments.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import { readText, SETTINGS, showValue, type Setting, type SettingSchema } from './settings.ts';
import { closest } from './suggest.ts';

/** One mistake makes many: the first ones tell. */
const MAX_SYNTAX_PROBLEMS = 5;
/** A group inside the file has four (document, map, pair, and so on); a list in a list in it has seven. */
const MAX_ANCESTORS = 12;

interface Reading {
  readonly document: Document;
  /** `file:line:column` of a character. */
  readonly whereAt: (offset: number) => string;
}

/**
 * The settings in the text of a YAML 1.2 file, and every problem with its line and column; `file` is the name that
 * problems carry. Text that is no YAML gives syntax problems alone. Paths are not resolved.
 */
export function readConfigText(text: string, file: string): Layer {
  const lineCounter = new LineCounter();
  const whereAt = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problem = (where: string, message: string): Layer => ({
    given: [],
    problems: [{ source: 'file', where, message }],
  });
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, version: '1.2' });
  const { contents } = document;
  const problems = [
    ...[...document.errors, ...document.warnings]
      .slice(0, MAX_SYNTAX_PROBLEMS)
      .map(({ code, message, pos }) => problem(whereAt(pos[0]), syntaxProblem(code, message))),
    ...unsupported(document).map(({ offset, message }) => problem(whereAt(offset), message)),
  ];
  if (problems.length > 0) return joinLayers(problems);
  if (isEmpty(contents)) return { given: [], problems: [] };
  if (!isMap(contents)) return problem(`${file}:1:1`, 'The file is no list of settings, such as `model: gpt-oss-20b`.');
  return readGroup(contents, CONFIG_SCHEMA, { keys: [], reading: { document, whereAt } });
}

function syntaxProblem(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'A second document begins here: keep one of them, without this line.';
  return `Not valid YAML: ${message}.`;
}

/** What YAML has and a configuration does not need: aliases, and the depth at which reading a node takes minutes. */
function unsupported(document: Document): { readonly offset: number; readonly message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Alias: (_, alias) => {
      found.push({ offset: offsetOf(alias), message: 'Aliases are not supported: write the value out.' });
    },
    Collection: (_, node, ancestors) => {
      if (ancestors.length <= MAX_ANCESTORS) return undefined;
      found.push({ offset: offsetOf(node), message: 'This is nested too deeply to be a setting.' });
      return visit.BREAK;
    },
  });
  return found;
}

/** Nothing but comments, or `null`: a group whose settings are all commented out. */
const isEmpty = (node: unknown): boolean => node === null || (isScalar(node) && node.value === null);

interface Place {
  readonly keys: readonly string[];
  readonly reading: Reading;
}

function readGroup(map: YAMLMap, schema: SettingSchema, { keys, reading }: Place): Layer {
  const seen = new Set<string>();
  const layers = map.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    const where = reading.whereAt(offsetOf(key));
    const child = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined;
    if (child === undefined) return unknownKey(name, schema, { keys, where });
    if (seen.has(name)) return duplicateKey([...keys, name].join('.'), where);
    seen.add(name);
    return readEntry({ key, value }, child, { keys: [...keys, name], reading });
  });
  return joinLayers(layers);
}

function readEntry(
  { key, value }: { readonly key: unknown; readonly value: unknown },
  schema: SettingSchema,
  { keys, reading }: Place,
): Layer {
  if (schema.properties !== undefined && isMap(value)) return readGroup(value, schema, { keys, reading });
  const path = keys.join('.');
  const where = reading.whereAt(value === null || offsetOf(value) === 0 ? offsetOf(key) : offsetOf(value));
  if (schema.properties !== undefined) {
    if (isEmpty(value)) return { given: [], problems: [] };
    const message = `${path} is ${showValue(valueOf(value, reading))}. Allowed: ${Object.keys(schema.properties).join(', ')}, each on its own line below it.`;
    return { given: [], problems: [{ source: 'file', where, message }] };
  }
  const setting = SETTINGS.find((one) => one.path === path);
  if (setting === undefined) return { given: [], problems: [] };
  const given = { setting, value: valueOf(value, reading), source: 'file', where } as const;
  return layerOf(given, spellingHint(given.value, schema, keys.at(-1) ?? ''));
}

function duplicateKey(path: string, where: string): Layer {
  return { given: [], problems: [{ source: 'file', where, message: `${path} stands here a second time.` }] };
}

function valueOf(value: unknown, { document }: Reading): unknown {
  return value === null ? null : (value as Node).toJS(document);
}

/** What to write when a text would be right without its quotes, or when nothing was written. */
function spellingHint(value: unknown, schema: SettingSchema, key: string): string {
  if (value === null) return ' Give it a value, or leave the line out.';
  const meant = typeof value === 'string' ? readText(value, schema) : undefined;
  // A text that is still a text without its quotes is wrong for another reason.
  return meant === undefined || typeof meant === 'string'
    ? ''
    : ` Write it without quotes: ${key}: ${JSON.stringify(meant)}`;
}

function unknownKey(
  name: string,
  schema: SettingSchema,
  { keys, where }: { readonly keys: readonly string[]; readonly where: string },
): Layer {
  const path = [...keys, name].join('.');
  const siblings = Object.keys(schema.properties ?? {});
  const near = closest(name, siblings);
  const meant = near === null ? elsewhere(name) : [...keys, near].join('.');
  const remedy = meant === null ? `Known here: ${siblings.join(', ')}.` : `Did you mean ${meant}?`;
  return { given: [], problems: [{ source: 'file', where, message: `${path} is unknown. ${remedy}` }] };
}

/** A setting of another group with this or nearly this name, or the one that decides this option of vLLM. */
function elsewhere(name: string): string | null {
  const last = ({ keys }: Setting): string => keys.at(-1) ?? '';
  const same = SETTINGS.find((setting) => [last(setting), setting.notes.flag].includes(name.replaceAll('-', '_')));
  if (same !== undefined) return same.path;
  const ofVllm = settingOfOption(`--${name}`);
  if (ofVllm !== null) return ofVllm;
  const near = closest(
    name,
    SETTINGS.flatMap((setting) => [setting.path, last(setting)]),
  );
  return SETTINGS.find((setting) => setting.path === near || last(setting) === near)?.path ?? null;
}

const offsetOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;
