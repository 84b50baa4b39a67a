import { Type, type Static } from 'typebox';
import { MAX_ITEMS, ReasoningEffort, type TokenLogprob } from './responses.ts';
import { MAX_INT32, SAMPLING_FIELDS } from './sampling.ts';

/** Of the APIs whose streams tell the usage only where it is asked for. */
export const StreamOptions = Type.Object({ include_usage: Type.Optional(Type.Boolean()) });

/**
 * The body of `POST /chat/completions`, as far as types and ranges go. Unknown keys are ignored, null means absent.
 * Messages, tools and formats are judged where Responses judges its own, which reads the chat shapes too.
 */
export const CreateChatBody = Type.Object({
  model: Type.String(),
  messages: Type.Array(Type.Unknown(), { minItems: 1, maxItems: MAX_ITEMS }),
  stream: Type.Optional(Type.Boolean()),
  stream_options: Type.Optional(StreamOptions),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_INT32 })),
  max_completion_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_INT32 })),
  n: Type.Optional(Type.Integer({ minimum: 1 })),
  ...SAMPLING_FIELDS,
  logprobs: Type.Optional(Type.Boolean()),
  top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
  tools: Type.Optional(Type.Array(Type.Unknown())),
  tool_choice: Type.Optional(Type.Unknown()),
  parallel_tool_calls: Type.Optional(Type.Boolean()),
  response_format: Type.Optional(Type.Unknown()),
  reasoning_effort: Type.Optional(ReasoningEffort),
  reasoning: Type.Optional(
    Type.Object({
      effort: Type.Optional(ReasoningEffort),
      /** As in Responses. */
      max_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_INT32 })),
    }),
  ),
  /** vLLM's: false keeps the reasoning out of the answer. */
  include_reasoning: Type.Optional(Type.Boolean()),
  truncation: Type.Optional(Type.Enum(['auto', 'disabled'])),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
  store: Type.Optional(Type.Boolean()),
  user: Type.Optional(Type.String()),
  service_tier: Type.Optional(Type.String()),
  /** What `tools` has replaced, so that it can be refused by name. */
  functions: Type.Optional(Type.Unknown()),
  function_call: Type.Optional(Type.Unknown()),
});

export type CreateChatBody = Static<typeof CreateChatBody>;

export interface ChatToolCall {
  id: string;
  type: 'function';
  /** `arguments` is JSON text. */
  function: { name: string; arguments: string };
}

export interface ChatMessage {
  role: 'assistant';
  /** Null where there is nothing but calls. */
  content: string | null;
  refusal: null;
  /** vLLM's name for the text of the reasoning; left out where there is none to show. */
  reasoning?: string;
  tool_calls?: ChatToolCall[];
}

export interface ChatLogprobs {
  content: TokenLogprob[];
  refusal: null;
}

/** Token counts as every API but Responses tells them. */
export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number };
  completion_tokens_details?: { reasoning_tokens: number };
}

export type ChatFinishReason = 'stop' | 'length' | 'tool_calls';

export interface ChatCompletion {
  id: string;
  object: 'chat.completion';
  created: number;
  model: string;
  system_fingerprint: string;
  service_tier: 'default';
  choices: [{ index: 0; message: ChatMessage; logprobs: ChatLogprobs | null; finish_reason: ChatFinishReason }];
  usage: CompletionUsage;
}
