import { CodedError } from '../domain/errors.ts';
import { isObject, type JsonObject } from '../domain/json.ts';

/**
 * The other names that clients use, as what they stand for: `prompt` (text or items) and `messages` (the chat shape)
 * for `input`, `response_format` (the chat shape) for `text.format`. Works on a body that nothing has checked yet, so
 * that what is wrong in it is found under the real name. An alias beside its name is an error that names both.
 */
export function withoutAliases(body: unknown): unknown {
  if (!isObject(body) || ALIASES.every((alias) => body[alias] === undefined)) return body;
  const { prompt, messages, response_format: responseFormat, ...rest } = body;
  const named: Record<string, unknown> = { ...rest };
  if (prompt !== undefined) named['input'] = onlyName(rest, 'input', 'prompt', promptInput(prompt));
  if (messages !== undefined) named['input'] = onlyName(named, 'input', 'messages', messageInput(messages));
  const text = rest['text'] ?? {};
  // A `text` of another type stays as it is, for the schema to refuse.
  if (responseFormat !== undefined && isObject(text)) {
    named['text'] = { ...text, format: onlyName(text, 'format', 'response_format', chatFormat(responseFormat)) };
  }
  return named;
}

const ALIASES = ['prompt', 'messages', 'response_format'];

function onlyName(body: JsonObject, name: string, alias: string, value: unknown): unknown {
  if (body[name] === undefined) return value;
  const message = `${alias} is another name for what ${name} says. Send one of them.`;
  throw new CodedError('mutually_exclusive', message, { param: alias });
}

/** OpenAI's `prompt` is a stored template; Chorus stores none. */
function promptInput(prompt: unknown): unknown {
  if (typeof prompt === 'string' || Array.isArray(prompt)) return prompt;
  throw new CodedError('unsupported_parameter', 'Stored prompt templates are not supported. Send the text as input.', {
    param: 'prompt',
  });
}

const messageInput = (messages: unknown): unknown =>
  Array.isArray(messages) ? chatItems(messages).map(({ item }) => item) : messages;

/** An item that a chat message stands for, and where it stands in the messages. */
export interface ChatItem {
  readonly item: unknown;
  /** `[2]` for all of a message, or `[2].tool_calls[0]`. */
  readonly path: string;
  /** Where the message says what the item's fields say; a field that is missing here has its name. */
  readonly fields: Readonly<Record<string, string>>;
}

const SAME: ChatItem['fields'] = {};
const RESULT_FIELDS = { call_id: 'tool_call_id', output: 'content' };
const CALL_FIELDS = { call_id: 'id', name: 'function.name', arguments: 'function.arguments' };

/** Chat messages as items: reasoning, calls and tool results become items of their own. */
export const chatItems = (messages: readonly unknown[]): ChatItem[] =>
  messages.flatMap((message, index) => chatMessageItems(message, `[${index}]`));

function chatMessageItems(message: unknown, path: string): ChatItem[] {
  if (!isObject(message)) return [{ item: message, path, fields: SAME }];
  const { role, content, tool_call_id: callId, tool_calls: calls } = message;
  if (role === 'tool') {
    return [{ item: { type: 'function_call_output', call_id: callId, output: content }, path, fields: RESULT_FIELDS }];
  }
  return [
    ...reasoningItems(message, path),
    ...textItems(message, path),
    ...(Array.isArray(calls) ? calls.map((call, index) => chatCallItem(call, `${path}.tool_calls[${index}]`)) : []),
  ];
}

function reasoningItems({ reasoning, reasoning_content: other }: JsonObject, path: string): ChatItem[] {
  const text = reasoning ?? other;
  if (typeof text !== 'string' || text === '') return [];
  return [{ item: { type: 'reasoning', content: [{ type: 'reasoning_text', text }] }, path, fields: SAME }];
}

/** A message that only calls has no content; what it says beside calls is their preamble, and no answer yet. */
function textItems({ role, content, refusal, tool_calls: calls }: JsonObject, path: string): ChatItem[] {
  if (!Array.isArray(calls) || calls.length === 0) {
    return [{ item: { type: 'message', role, content: content ?? refusal }, path, fields: SAME }];
  }
  if (content === null || content === undefined || content === '') return [];
  return [{ item: { type: 'message', role, content, phase: 'commentary' }, path, fields: SAME }];
}

function chatCallItem(call: unknown, path: string): ChatItem {
  if (!isObject(call)) return { item: call, path, fields: SAME };
  const { id, function: called } = call;
  const { name, arguments: argumentsText } = (called ?? {}) as JsonObject;
  return {
    item: { type: 'function_call', call_id: id, name, arguments: argumentsText },
    path,
    fields: CALL_FIELDS,
  };
}

/** The chat shape keeps the schema one level deeper. */
export function chatFormat(format: unknown): unknown {
  if (!isObject(format)) return format;
  const { json_schema: nested, ...rest } = format;
  return isObject(nested) ? { ...rest, ...nested } : rest;
}
