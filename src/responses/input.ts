import { CodedError } from '../domain/errors.ts';
import { isObject } from '../domain/json.ts';
import { newId, type IdPrefix } from './ids.ts';
import { jsonObject, oneOf, show, wrongType, type Json } from './json.ts';

/** What an item says, as far as the model is concerned. */
export type ItemContent =
  | { readonly kind: 'message'; readonly role: 'user' | 'system' | 'developer'; readonly text: string }
  | { readonly kind: 'assistant'; readonly phase: 'commentary' | 'final_answer'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly kind: 'call_output'; readonly callId: string; readonly output: string };

/** One piece of a conversation: what it says, and what is stored of it. */
export type InputItem = ItemContent & {
  readonly id: string;
  /** The wire item with its id. */
  readonly wire: Json;
  /** The ids that the engine generated for it; null for what came from a client. */
  readonly tokenIds: readonly number[] | null;
};

/** What reading items needs to know. */
export interface ReadOptions {
  /** The time that ids of new items begin with. */
  readonly nowMs: number;
  /** Opens what `reasoning.encrypted_content` holds; null when it is not ours to open. */
  readonly unseal: (sealed: string) => string | null;
  /** A stored item that an `item_reference` names; null when there is none. */
  readonly referenced: (id: string) => InputItem | null;
}

const ROLES = ['user', 'assistant', 'system', 'developer'] as const;
const CONTENT_PARTS = [
  'input_text',
  'output_text',
  'text',
  'refusal',
  'input_image',
  'image_url',
  'input_file',
  'file',
] as const;
const REASONING_PARTS = ['reasoning_text', 'text'] as const;
const MAX_CALL_ID_LENGTH = 64;
const ITEM_ID = /^[A-Za-z0-9_-]{1,128}$/;
const ID_PREFIXES: Readonly<Record<ItemContent['kind'], IdPrefix>> = {
  message: 'msg',
  assistant: 'msg',
  reasoning: 'rs',
  call: 'fc',
  call_output: 'fco',
};

type ContentPart = (typeof CONTENT_PARTS)[number];

/** gpt-oss reads text only; saying so in the place of an attachment serves better than refusing the conversation. */
const ATTACHMENT_PLACEHOLDERS: Readonly<Partial<Record<ContentPart, string>>> = {
  input_image: '[An image stands here; this model reads text only.]',
  image_url: '[An image stands here; this model reads text only.]',
  input_file: '[A file stands here; this model reads text only.]',
  file: '[A file stands here; this model reads text only.]',
};

/**
 * The items of `input`: a string is one user message. Throws a `CodedError` that names the path for anything that is
 * not an item of a known type. Null counts as absent.
 */
export function readInput(input: string | readonly unknown[], options: ReadOptions): InputItem[] {
  if (typeof input === 'string') return readInput([{ type: 'message', role: 'user', content: input }], options);
  return input.map((item, index) => readItem(item, `input[${index}]`, options));
}

/**
 * The ids that `item_reference`s in an input name, so that they can be looked up before it is read. Throws a `CodedError`
 * for one that comes again: a few bytes would become a copy of an item that may be large, in memory and in the store.
 */
export function referencedIds(input: unknown): string[] {
  if (!Array.isArray(input)) return [];
  const ids = new Set<string>();
  for (const [index, item] of (input as unknown[]).entries()) {
    if (!isObject(item) || !isReference(item)) continue;
    const { id } = item;
    if (typeof id !== 'string') continue;
    if (ids.has(id)) throw referencedTwice(id, `input[${index}]`);
    ids.add(id);
  }
  return [...ids];
}

function referencedTwice(id: string, path: string): CodedError {
  const message = `The item with id '${id.slice(0, 80)}' is referenced before ${path} already. A stored item can stand in an input once; send its text itself where it is to stand again.`;
  return new CodedError('invalid_value', message, { param: path });
}

/** An object with nothing but an id is a reference too. */
function isReference(item: Json): boolean {
  if (item['type'] === 'item_reference') return true;
  return (item['type'] ?? null) === null && Object.keys(item).every((key) => key === 'id' || key === 'type');
}

function readItem(value: unknown, path: string, options: ReadOptions): InputItem {
  const item = jsonObject(value, path);
  if (isReference(item)) return readReference(item, path, options);
  const content = readContentOf(item, path, options);
  const id = item['id'] ?? newId(ID_PREFIXES[content.kind], options.nowMs);
  if (typeof id !== 'string' || !ITEM_ID.test(id)) {
    const message = `Invalid ${path}.id: ids are 1 to 128 letters, digits, underscores or dashes.`;
    throw new CodedError('invalid_value', message, { param: `${path}.id` });
  }
  return { ...content, id, wire: { type: 'message', ...item, id }, tokenIds: null };
}

function readReference(item: Json, path: string, { referenced }: ReadOptions): InputItem {
  const id = requiredString(item, 'id', path);
  const stored = referenced(id);
  if (stored !== null) return stored;
  const message = `Item with id '${id.slice(0, 80)}' not found. Items are kept only of responses with store: true; send the item itself.`;
  throw new CodedError('item_not_found', message, { param: 'input' });
}

/** What one wire item says. Throws a `CodedError` with the path of what is wrong with it. */
export function readContentOf(item: Json, path: string, { unseal }: Pick<ReadOptions, 'unseal'>): ItemContent {
  const type = item['type'] ?? 'message';
  switch (type) {
    case 'message':
      return readMessage(item, path);
    case 'reasoning':
      return { kind: 'reasoning', text: readReasoning(item, path, unseal) };
    case 'function_call':
      return readCall(item, path);
    case 'function_call_output':
      return { kind: 'call_output', callId: callId(item, path), output: readContent(item['output'], `${path}.output`) };
    default: {
      const known = "'message', 'reasoning', 'function_call', 'function_call_output', 'item_reference'";
      const message = `Items of type ${show(type)} are not supported. Supported: ${known}.`;
      throw new CodedError('invalid_value', message, { param: `${path}.type` });
    }
  }
}

function readMessage(item: Json, path: string): ItemContent {
  const role = oneOf(item['role'], ROLES, `${path}.role`);
  const text = readContent(item['content'], `${path}.content`);
  if (role !== 'assistant') return { kind: 'message', role, text };
  return { kind: 'assistant', phase: item['phase'] === 'commentary' ? 'commentary' : 'final_answer', text };
}

/** Without its text (a summary alone, or content that another server sealed) there is nothing to show the model. */
function readReasoning(item: Json, path: string, unseal: ReadOptions['unseal']): string {
  const content = item['content'] ?? [];
  if (!Array.isArray(content)) throw wrongType(`${path}.content`, 'a list of parts', content);
  const shown = content.map((part, index) => {
    const partPath = `${path}.content[${index}]`;
    const object = jsonObject(part, partPath);
    oneOf(object['type'], REASONING_PARTS, `${partPath}.type`);
    return requiredString(object, 'text', partPath);
  });
  const sealed = item['encrypted_content'];
  return shown.join('') || (typeof sealed === 'string' ? (unseal(sealed) ?? '') : '');
}

function readCall(item: Json, path: string): ItemContent {
  const name = requiredString(item, 'name', path);
  return { kind: 'call', callId: callId(item, path), name, arguments: requiredString(item, 'arguments', path) };
}

function callId(item: Json, path: string): string {
  const id = requiredString(item, 'call_id', path);
  if (id.length >= 1 && id.length <= MAX_CALL_ID_LENGTH) return id;
  const message = `${path}.call_id must have 1 to ${MAX_CALL_ID_LENGTH} characters.`;
  throw new CodedError('invalid_value', message, { param: `${path}.call_id` });
}

/** A string, or parts whose texts are joined without a separator, as gpt-oss's own tools do. */
function readContent(content: unknown, path: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw wrongType(path, 'a string or a list of parts', content);
  return content.map((part, index) => readPart(jsonObject(part, `${path}[${index}]`), `${path}[${index}]`)).join('');
}

function readPart(part: Json, path: string): string {
  const type = oneOf(part['type'], CONTENT_PARTS, `${path}.type`);
  return ATTACHMENT_PLACEHOLDERS[type] ?? requiredString(part, type === 'refusal' ? 'refusal' : 'text', path);
}

function requiredString(item: Json, field: string, path: string): string {
  const value = item[field];
  if (typeof value === 'string') return value;
  throw wrongType(`${path}.${field}`, 'a string', value);
}
