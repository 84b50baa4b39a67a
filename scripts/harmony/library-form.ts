import { inlineSchema } from '../../src/harmony/inline-schema.ts';
import type { FunctionTool, HarmonyMessage, SystemMessage } from '../../src/harmony/message.ts';

/** A conversation as JSON in the form that openai-harmony reads. */
export interface LibraryConversation {
  readonly messages: readonly LibraryFormMessage[];
}

interface LibraryFormMessage {
  readonly role: string;
  readonly name?: string;
  readonly content: readonly Readonly<Record<string, unknown>>[];
  readonly channel?: string;
  readonly recipient?: string;
  readonly content_type?: string;
}

/** Says the same conversation in the library's terms. Lone surrogates become U+FFFD, as the library's JSON has none. */
export function toLibraryForm(messages: readonly HarmonyMessage[]): LibraryConversation {
  return { messages: messages.map(messageForm) };
}

const text = (value: string): Readonly<Record<string, unknown>>[] => [{ type: 'text', text: value.toWellFormed() }];

function messageForm(message: HarmonyMessage): LibraryFormMessage {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: [systemForm(message)] };
    case 'developer':
      return {
        role: 'developer',
        content: [
          {
            type: 'developer_content',
            ...optional({ instructions: message.instructions?.toWellFormed(), tools: namespaceForm(message.tools) }),
          },
        ],
      };
    case 'user':
      return { role: 'user', content: text(message.text) };
    case 'tool':
      return {
        role: 'tool',
        name: `functions.${message.name}`,
        recipient: 'assistant',
        channel: 'commentary',
        content: text(message.output),
      };
    case 'assistant':
      return message.channel === 'call'
        ? {
            role: 'assistant',
            channel: 'commentary',
            recipient: `functions.${message.name}`,
            content_type: 'json',
            content: text(message.arguments),
          }
        : { role: 'assistant', channel: message.channel, content: text(message.text) };
  }
}

/** The library knows no function without a description (an empty one is the same), and no references. */
function namespaceForm(tools: readonly FunctionTool[] | undefined): unknown {
  if (tools === undefined) return undefined;
  const forms = tools.map(({ name, description, parameters }) => ({
    name,
    description: description ?? '',
    ...optional({ parameters: parameters === null ? null : inlineSchema(parameters).schema }),
  }));
  return { functions: { name: 'functions', tools: forms } };
}

function systemForm({ identity, knowledgeCutoff, date, effort }: SystemMessage): Readonly<Record<string, unknown>> {
  return {
    type: 'system_content',
    model_identity: (identity ?? 'You are ChatGPT, a large language model trained by OpenAI.').toWellFormed(),
    knowledge_cutoff: knowledgeCutoff ?? '2024-06',
    reasoning_effort: `${effort.charAt(0).toUpperCase()}${effort.slice(1)}`,
    channel_config: { valid_channels: ['analysis', 'commentary', 'final'], channel_required: true },
    ...optional({ conversation_start_date: date }),
  };
}

const optional = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
