import { isObject, type JsonObject } from '../domain/json.ts';
import type { JsonSchema } from '../harmony/message.ts';
import { LMError } from './errors.ts';

/** A schema of a schema library: it can say what JSON it means and, where it has `parse`, read that JSON. */
export interface SchemaSource<T> {
  toJSONSchema(): object;
  /** Gives the value as its type, or throws. */
  parse?(value: unknown): T;
}

/** The JSON that an answer must be. Its `title` names it to the model, its `description` explains it. */
export type ResponseFormat<T = unknown> = SchemaSource<T> | JsonSchema;

/** A format as it goes to a server, and how an answer of it is read. */
export interface OutputFormat<T = unknown> {
  /** 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  readonly description: string | null;
  readonly schema: JsonSchema;
  /** Whether OpenAI takes it as strict: no object with optional or other properties. */
  readonly isStrict: boolean;
  readonly source: SchemaSource<T> | null;
}

/** Reads a format. Throws an `LMError` for what is no schema. */
export function readFormat<T>(format: ResponseFormat<T>): OutputFormat<T> {
  const source = isSource(format) ? format : null;
  const told: unknown = source === null ? format : source.toJSONSchema();
  if (!isObject(told)) throw new LMError('invalid_options', 'responseFormat is no JSON schema: it is not an object.');
  // As it goes over the wire, whatever a library hangs on it.
  const schema = JSON.parse(JSON.stringify(told)) as JsonSchema;
  const { title, description } = schema;
  const name = typeof title === 'string' ? title.replaceAll(/[^A-Za-z0-9_-]+/g, '_').slice(0, 64) : '';
  return {
    name: name === '' ? 'answer' : name,
    description: typeof description === 'string' ? description : null,
    schema,
    isStrict: isStrict(schema),
    source,
  };
}

/**
 * The value of an answer. Where the schema's library can read values, it does, else the JSON schema is checked (draft
 * 2020-12). Throws an `LMError` that says what is wrong and holds the text.
 */
export async function readStructured<T>({ schema, source }: OutputFormat<T>, text: string): Promise<T> {
  const value = parseAnswer(text);
  if (source?.parse !== undefined) return parseWith(source.parse.bind(source), value, text);
  // Needed here alone, and a third of the library's size.
  const { Errors } = await import('typebox/schema');
  const [matches, [first]] = Errors(schema, value);
  if (matches) return value as T;
  throw invalid(`${first?.instancePath || 'the answer'} ${first?.message ?? 'is not what the schema says'}`, text);
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid(text === '' ? 'it is empty' : 'it is no JSON', text, cause);
  }
}

function parseWith<T>(parse: (value: unknown) => T, value: unknown, text: string): T {
  try {
    return parse(value);
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), text, cause);
  }
}

const invalid = (why: string, text: string, cause?: unknown): LMError =>
  new LMError('invalid_structured_output', `The answer is not of the format that was asked for: ${why}.`, {
    text,
    cause,
  });

const isSource = <T>(format: ResponseFormat<T>): format is SchemaSource<T> =>
  'toJSONSchema' in format && typeof format.toJSONSchema === 'function';

/** OpenAI's rule for `strict`: every object lists all its properties as required and allows no others. */
function isStrict(node: unknown): boolean {
  if (Array.isArray(node)) return node.every(isStrict);
  if (!isObject(node)) return true;
  const { properties } = node;
  const isOpen = node['type'] === 'object' || isObject(properties);
  if (isOpen && !isClosed(node, isObject(properties) ? Object.keys(properties) : [])) return false;
  return Object.values(node).every(isStrict);
}

function isClosed({ required, additionalProperties }: JsonObject, names: string[]): boolean {
  const listed: readonly unknown[] = Array.isArray(required) ? required : [];
  return additionalProperties === false && names.every((name) => listed.includes(name));
}
