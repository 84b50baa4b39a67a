import { CodedError } from '../domain/errors.ts';
import type { Wording } from '../completions/reword.ts';
import type { CreateChatBody } from '../protocol/chat.ts';
import type { CreateResponseBody } from '../protocol/responses.ts';
import { SAMPLING_FIELDS } from '../protocol/sampling.ts';
import { chatFormat, chatItems, type ChatItem } from '../responses/aliases.ts';

/** A chat request as the Responses request that asks the same of the model. */
export interface ChatAsResponse {
  readonly body: CreateResponseBody;
  /** Names in errors as the chat request has them. */
  readonly wording: Wording;
}

/**
 * Reads what is chat's own; everything else is judged where Responses judges it. Throws a `CodedError` for what
 * Chorus does not do and for two names of one thing.
 */
export function readChat(chat: CreateChatBody): ChatAsResponse {
  refuseUnsupported(chat);
  const format = chat.response_format;
  const maxTokens = readMaxTokens(chat);
  const items = chatItems(chat.messages);
  const reasoning = readReasoning(chat);
  const body: CreateResponseBody = {
    model: chat.model,
    ...sameFields(chat),
    input: items.map(({ item }) => item),
    ...(maxTokens === undefined ? {} : { max_output_tokens: maxTokens }),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(format === undefined ? {} : { text: { format: chatFormat(format) } }),
    ...(chat.logprobs === true ? { include: ['message.output_text.logprobs'] } : {}),
  };
  return { body, wording: chatWording(chat, items) };
}

function refuseUnsupported({ n, functions, function_call: call, logprobs, top_logprobs: top }: CreateChatBody): void {
  if (n !== undefined && n > 1) {
    throw unsupported('n', 'n is 1 here: one request gives one answer. Send the request several times instead.');
  }
  if (functions !== undefined) throw unsupported('functions', 'functions is replaced by tools. Send them as tools.');
  if (call !== undefined) throw unsupported('function_call', 'function_call is replaced by tool_choice, beside tools.');
  if (top !== undefined && top > 0 && logprobs !== true) {
    const message = 'top_logprobs needs logprobs: true.';
    throw new CodedError('invalid_value', message, { param: 'top_logprobs' });
  }
}

const unsupported = (param: string, message: string): CodedError =>
  new CodedError('unsupported_parameter', message, { param });

/** Fields that both APIs have. No other goes through: what chat does not know nobody has checked. */
const SAME_FIELDS = [
  ...(Object.keys(SAMPLING_FIELDS) as (keyof typeof SAMPLING_FIELDS)[]),
  'top_logprobs',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'truncation',
] as const;

function sameFields(chat: CreateChatBody): Pick<CreateChatBody, (typeof SAME_FIELDS)[number]> {
  return Object.fromEntries(SAME_FIELDS.filter((name) => chat[name] !== undefined).map((name) => [name, chat[name]]));
}

function readMaxTokens({ max_tokens: old, max_completion_tokens: own }: CreateChatBody): number | undefined {
  if (old === undefined || own === undefined || old === own) return own ?? old;
  const message = 'max_tokens is another name for max_completion_tokens. Send one of them.';
  throw new CodedError('mutually_exclusive', message, { param: 'max_tokens' });
}

function readReasoning({ reasoning, reasoning_effort: effort }: CreateChatBody): CreateResponseBody['reasoning'] {
  if (effort === undefined) return reasoning;
  if (reasoning?.effort === undefined || reasoning.effort === effort) return { ...reasoning, effort };
  const message = 'reasoning_effort is another name for reasoning.effort. Send one of them.';
  throw new CodedError('mutually_exclusive', message, { param: 'reasoning_effort' });
}

const INPUT_ITEM = /^input\[(\d+)\](?:\.(\w+))?(.*)$/;
const IN_SCHEMA = /^text\.format\.(name|schema|description|strict)/;

function chatWording(chat: CreateChatBody, items: readonly ChatItem[]): Wording {
  const maxTokens = chat.max_tokens === undefined ? 'max_completion_tokens' : 'max_tokens';
  const param = (name: string): string => {
    const [, index, field, rest] = INPUT_ITEM.exec(name) ?? [];
    const item = items[Number(index)];
    if (item !== undefined) {
      const own = field === undefined ? '' : `.${item.fields[field] ?? field}`;
      return `messages${item.path}${own}${rest ?? ''}`;
    }
    if (name === 'input') return 'messages';
    if (name === 'max_output_tokens') return maxTokens;
    if (IN_SCHEMA.test(name)) return name.replace('text.format', 'response_format.json_schema');
    return name.replace('text.format', 'response_format');
  };
  return {
    param,
    names: [
      ['max_output_tokens', maxTokens],
      ['text.format', 'response_format'],
      ["'user', 'assistant', 'system', 'developer'.", "'user', 'assistant', 'system', 'developer', 'tool'."],
    ],
  };
}
