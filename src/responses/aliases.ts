import { CodedError } from '../domain/errors.ts';

type Body = Record<string, unknown>;

/**
 * The other names that clients use, as what they stand for: `prompt` (text or items) and `messages` (the chat shape)
 * for `input`, `response_format` (the chat shape) for `text.format`. Works on a body that nothing has checked yet, so
 * that what is wrong in it is found under the real name. An alias beside its name is an error that names both.
 */
export function withoutAliases(body: unknown): unknown {
  if (!isObject(body) || ALIASES.every((alias) => body[alias] === undefined)) return body;
  const { prompt, messages, response_format: responseFormat, ...rest } = body;
  const named: Body = { ...rest };
  if (prompt !== undefined) named['input'] = onlyName(rest, 'input', 'prompt', promptInput(prompt));
  if (messages !== undefined) named['input'] = onlyName(named, 'input', 'messages', chatItems(messages));
  const text = rest['text'] ?? {};
  // A `text` of another type stays as it is, for the schema to refuse.
  if (responseFormat !== undefined && isObject(text)) {
    named['text'] = { ...text, format: onlyName(text, 'format', 'response_format', chatFormat(responseFormat)) };
  }
  return named;
}

const ALIASES = ['prompt', 'messages', 'response_format'];

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function onlyName(body: Body, name: string, alias: string, value: unknown): unknown {
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

/** Chat messages as items: calls and tool results become items of their own. */
function chatItems(messages: unknown): unknown {
  return Array.isArray(messages) ? messages.flatMap(chatMessageItems) : messages;
}

function chatMessageItems(message: unknown): unknown[] {
  if (typeof message !== 'object' || message === null) return [message];
  const {
    role,
    content,
    tool_call_id: callId,
    tool_calls: calls,
    reasoning,
    reasoning_content: reasoningContent,
  } = message as Body;
  if (role === 'tool') return [{ type: 'function_call_output', call_id: callId, output: content }];
  const thought = reasoning ?? reasoningContent;
  return [
    ...(typeof thought === 'string' && thought !== ''
      ? [{ type: 'reasoning', content: [{ type: 'reasoning_text', text: thought }] }]
      : []),
    // A message that only calls has no content.
    ...(Array.isArray(calls) && (content === null || content === undefined || content === '')
      ? []
      : [{ type: 'message', role, content }]),
    ...(Array.isArray(calls) ? calls.map(chatCallItem) : []),
  ];
}

function chatCallItem(call: unknown): unknown {
  if (typeof call !== 'object' || call === null) return call;
  const { id, function: called } = call as Body;
  const { name, arguments: argumentsText } = (called ?? {}) as Body;
  return { type: 'function_call', call_id: id, name, arguments: argumentsText };
}

/** The chat shape keeps the schema one level deeper. */
function chatFormat(format: unknown): unknown {
  if (typeof format !== 'object' || format === null) return format;
  const { json_schema: nested, ...rest } = format as Body;
  return typeof nested === 'object' && nested !== null ? { ...rest, ...nested } : rest;
}
