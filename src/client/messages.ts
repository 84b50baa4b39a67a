/** A call in OpenAI's chat shape. */
export interface LMFunctionCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    /** JSON text. */
    readonly arguments: string;
  };
}

/** What the model said, as a message to go on from. */
export interface LMAssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  /** What the model thought. gpt-oss goes on from it within a loop of tool calls; other models are not sent it. */
  readonly reasoning?: string | null;
  readonly tool_calls?: readonly LMFunctionCall[];
}

/** What a function gave back. */
export interface LMToolMessage {
  readonly role: 'tool';
  /** The id of the call. */
  readonly tool_call_id: string;
  readonly content: string;
}

/** A message in OpenAI's chat shape, the same for every mode. */
export type LMMessage =
  { readonly role: 'system' | 'developer' | 'user'; readonly content: string } | LMAssistantMessage | LMToolMessage;

/** What a call can be given: what the user says, a message, or messages. */
export type LMInput = string | LMMessage | readonly LMMessage[] | { readonly messages: readonly LMMessage[] };

/** The messages that an input stands for. */
export function readInput(input: LMInput): readonly LMMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if ('messages' in input) return input.messages;
  return 'role' in input ? [input] : input;
}

/**
 * The message that answers a call of a tool. A string is given to the model as it is, anything else as JSON; nothing
 * (undefined) as an empty text.
 */
export function toolResult(call: { readonly id: string }, output: unknown): LMToolMessage {
  const content = typeof output === 'string' ? output : (JSON.stringify(output) ?? '');
  return { role: 'tool', tool_call_id: call.id, content };
}
