import { CodedError } from '../domain/errors.ts';
import type { HarmonyMessage } from '../harmony/message.ts';

/** One piece of what the client sent as context, in its order. */
export type InputItem =
  | { readonly kind: 'message'; readonly role: 'user' | 'system' | 'developer'; readonly text: string }
  | { readonly kind: 'assistant'; readonly phase: 'commentary' | 'final_answer'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string };

const ROLES = ['user', 'assistant', 'system', 'developer'];
const TEXT_PARTS = ['input_text', 'output_text', 'text', 'refusal'];

type Json = Readonly<Record<string, unknown>>;

/**
 * The items of `input`: a string is one user message. Throws a `CodedError` that names the path for anything that is
 * not an item of a known type. Null counts as absent.
 */
export function readInput(input: string | readonly unknown[] | undefined): InputItem[] {
  if (input === undefined) {
    throw new CodedError('missing_parameter', 'Missing required parameter: input. Send a string or a list of items.', {
      param: 'input',
    });
  }
  if (typeof input === 'string') return [{ kind: 'message', role: 'user', text: input }];
  if (input.length === 0) {
    throw new CodedError('invalid_value', 'input is an empty list. Send at least one item.', { param: 'input' });
  }
  return input.flatMap((item, index) => readItem(item, `input[${index}]`));
}

function readItem(value: unknown, path: string): InputItem[] {
  const item = object(value, path);
  const type = item['type'] ?? 'message';
  if (type === 'message') return [readMessage(item, path)];
  if (type === 'reasoning') return readReasoning(item, path);
  throw new CodedError(
    'invalid_value',
    `Items of type ${show(type)} are not supported. Supported: 'message', 'reasoning'.`,
    {
      param: `${path}.type`,
    },
  );
}

function readMessage(item: Json, path: string): InputItem {
  const role = oneOf(item['role'], ROLES, `${path}.role`);
  const text = readContent(item['content'], `${path}.content`);
  if (role !== 'assistant') return { kind: 'message', role: role as 'user' | 'system' | 'developer', text };
  return { kind: 'assistant', phase: item['phase'] === 'commentary' ? 'commentary' : 'final_answer', text };
}

/** Reasoning without its text (a summary alone, or another server's sealed content) has nothing to show the model. */
function readReasoning(item: Json, path: string): InputItem[] {
  const content = item['content'] ?? [];
  if (!Array.isArray(content)) throw wrongType(`${path}.content`, 'a list of parts', content);
  const text = content
    .map((part, index) => readPart(part, ['reasoning_text', 'text'], `${path}.content[${index}]`))
    .join('');
  return text === '' ? [] : [{ kind: 'reasoning', text }];
}

/** A string, or parts whose texts are joined without a separator, as gpt-oss's own tools do. */
function readContent(content: unknown, path: string): string {
  if (typeof content === 'string') return content;
  if (content === undefined || content === null) {
    throw new CodedError('missing_parameter', `Missing required parameter: ${path}.`, { param: path });
  }
  if (!Array.isArray(content)) throw wrongType(path, 'a string or a list of parts', content);
  return content.map((part, index) => readPart(part, TEXT_PARTS, `${path}[${index}]`)).join('');
}

function readPart(value: unknown, types: readonly string[], path: string): string {
  const part = object(value, path);
  const type = oneOf(part['type'], types, `${path}.type`);
  const field = type === 'refusal' ? 'refusal' : 'text';
  const text = part[field];
  if (typeof text !== 'string') throw wrongType(`${path}.${field}`, 'a string', text);
  return text;
}

function object(value: unknown, path: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw wrongType(path, 'an object', value);
}

function oneOf(value: unknown, allowed: readonly string[], path: string): string {
  if (value === undefined || value === null) {
    throw new CodedError('missing_parameter', `Missing required parameter: ${path}.`, { param: path });
  }
  if (typeof value === 'string' && allowed.includes(value)) return value;
  const list = allowed.map((name) => `'${name}'`).join(', ');
  throw new CodedError('invalid_value', `Invalid value: ${show(value)}. Supported: ${list}.`, { param: path });
}

function wrongType(path: string, expected: string, value: unknown): CodedError {
  if (value === undefined)
    return new CodedError('missing_parameter', `Missing required parameter: ${path}.`, { param: path });
  const got =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
  return new CodedError('invalid_type', `Invalid type for ${path}: expected ${expected}, got ${got}.`, { param: path });
}

const show = (value: unknown): string =>
  typeof value === 'string' ? `'${value.slice(0, 80)}'` : JSON.stringify(value).slice(0, 80);

/**
 * The context as harmony messages. One developer message stands in front, of `instructions` and then the leading
 * system and developer items; later ones stay in their place.
 */
export function toHarmony(
  items: readonly InputItem[],
  options: { readonly instructions: string | null; readonly effort: 'low' | 'medium' | 'high'; readonly date: string },
): HarmonyMessage[] {
  const isGuidance = (item: InputItem): boolean => item.kind === 'message' && item.role !== 'user';
  const leading = items.findIndex((item) => !isGuidance(item));
  const front = leading === -1 ? items.length : leading;
  const guidance = [options.instructions, ...items.slice(0, front).map(({ text }) => text)].filter(
    (text) => text !== null,
  );
  return [
    { role: 'system', effort: options.effort, date: options.date, hasFunctionTools: false },
    ...(guidance.length > 0 ? [{ role: 'developer', instructions: guidance.join('\n\n') } as const] : []),
    ...items.slice(front).map(itemToHarmony),
  ];
}

function itemToHarmony(item: InputItem): HarmonyMessage {
  switch (item.kind) {
    case 'message':
      return item.role === 'user' ? { role: 'user', text: item.text } : { role: 'developer', instructions: item.text };
    case 'assistant':
      return { role: 'assistant', channel: item.phase === 'commentary' ? 'commentary' : 'final', text: item.text };
    case 'reasoning':
      return { role: 'assistant', channel: 'analysis', text: item.text };
  }
}
