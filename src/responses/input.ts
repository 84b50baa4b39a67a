import { CodedError } from '../domain/errors.ts';
import { jsonObject, oneOf, show, wrongType, type Json } from './json.ts';

/** One piece of what the client sent as context, in its order. */
export type InputItem =
  | { readonly kind: 'message'; readonly role: 'user' | 'system' | 'developer'; readonly text: string }
  | { readonly kind: 'assistant'; readonly phase: 'commentary' | 'final_answer'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly kind: 'call_output'; readonly callId: string; readonly output: string };

/** Opens what `reasoning.encrypted_content` holds; null when it is not ours to open. */
export type Unseal = (sealed: string) => string | null;

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
 * not an item of a known type, and for calls and outputs that do not belong together. Null counts as absent.
 */
export function readInput(input: string | readonly unknown[] | undefined, unseal: Unseal): InputItem[] {
  if (input === undefined) {
    const message = 'Missing required parameter: input. Send a string or a list of items.';
    throw new CodedError('missing_parameter', message, { param: 'input' });
  }
  if (typeof input === 'string') return [{ kind: 'message', role: 'user', text: input }];
  if (input.length === 0) {
    throw new CodedError('invalid_value', 'input is an empty list. Send at least one item.', { param: 'input' });
  }
  const items = input.flatMap((item, index) => readItem(item, `input[${index}]`, unseal));
  checkCalls(items);
  return items;
}

function readItem(value: unknown, path: string, unseal: Unseal): InputItem[] {
  const item = jsonObject(value, path);
  const type = item['type'] ?? 'message';
  switch (type) {
    case 'message':
      return [readMessage(item, path)];
    case 'reasoning':
      return readReasoning(item, path, unseal);
    case 'function_call':
      return [readCall(item, path)];
    case 'function_call_output':
      return [
        { kind: 'call_output', callId: callId(item, path), output: readContent(item['output'], `${path}.output`) },
      ];
    default: {
      const known = "'message', 'reasoning', 'function_call', 'function_call_output'";
      const message = `Items of type ${show(type)} are not supported. Supported: ${known}.`;
      throw new CodedError('invalid_value', message, { param: `${path}.type` });
    }
  }
}

function readMessage(item: Json, path: string): InputItem {
  const role = oneOf(item['role'], ROLES, `${path}.role`);
  const text = readContent(item['content'], `${path}.content`);
  if (role !== 'assistant') return { kind: 'message', role, text };
  return { kind: 'assistant', phase: item['phase'] === 'commentary' ? 'commentary' : 'final_answer', text };
}

/** Without its text (a summary alone, or content that another server sealed) there is nothing to show the model. */
function readReasoning(item: Json, path: string, unseal: Unseal): InputItem[] {
  const content = item['content'] ?? [];
  if (!Array.isArray(content)) throw wrongType(`${path}.content`, 'a list of parts', content);
  const shown = content.map((part, index) => {
    const partPath = `${path}.content[${index}]`;
    const object = jsonObject(part, partPath);
    oneOf(object['type'], REASONING_PARTS, `${partPath}.type`);
    return requiredString(object, 'text', partPath);
  });
  const sealed = item['encrypted_content'];
  const text = shown.join('') || (typeof sealed === 'string' ? (unseal(sealed) ?? '') : '');
  return text === '' ? [] : [{ kind: 'reasoning', text }];
}

function readCall(item: Json, path: string): InputItem {
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

/** Every output answers a call before it, and every call is answered before the model goes on. */
function checkCalls(items: readonly InputItem[]): void {
  const open = new Set<string>();
  const known = new Set<string>();
  for (const item of items) {
    if (item.kind === 'call') {
      if (known.has(item.callId)) throw unmatched(`There are two function calls with call_id ${item.callId}.`);
      known.add(item.callId);
      open.add(item.callId);
    } else if (item.kind === 'call_output') {
      if (!known.has(item.callId))
        throw unmatched(`No tool call found for function call output with call_id ${item.callId}.`);
      open.delete(item.callId);
    }
  }
  const [unanswered] = open;
  if (unanswered !== undefined) throw unmatched(`No tool output found for function call ${unanswered}.`);
}

const unmatched = (message: string): CodedError => new CodedError('unmatched_call', message, { param: 'input' });
