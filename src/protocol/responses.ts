import { Type, type Static } from 'typebox';
import { MAX_INT32, SAMPLING_FIELDS } from './sampling.ts';

/** OpenAI's seven efforts; gpt-oss knows three. */
export const ReasoningEffort = Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
export type ReasoningEffort = Static<typeof ReasoningEffort>;

/** More messages than a context of 131,072 tokens has room for: the shortest takes four of them. */
export const MAX_ITEMS = 32_768;

/**
 * The body of `POST /responses`, as far as types and ranges go. Unknown keys are ignored, as OpenAI-compatible servers
 * do for the extras that clients send; null means absent (the gateway removes nulls before this schema looks).
 * Items of `input` are judged by `responses/input.ts`, which can name the path at fault.
 */
export const CreateResponseBody = Type.Object({
  model: Type.String(),
  /** Absent only where an alias (`prompt`, `messages`) stands for it. */
  input: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Unknown(), { maxItems: MAX_ITEMS })])),
  instructions: Type.Optional(Type.String()),
  previous_response_id: Type.Optional(Type.String()),
  store: Type.Optional(Type.Boolean()),
  background: Type.Optional(Type.Boolean()),
  stream: Type.Optional(Type.Boolean()),
  max_output_tokens: Type.Optional(Type.Integer({ minimum: 16, maximum: MAX_INT32 })),
  max_tool_calls: Type.Optional(Type.Integer({ minimum: 1 })),
  ...SAMPLING_FIELDS,
  top_logprobs: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
  parallel_tool_calls: Type.Optional(Type.Boolean()),
  tools: Type.Optional(Type.Array(Type.Unknown())),
  tool_choice: Type.Optional(Type.Unknown()),
  truncation: Type.Optional(Type.Enum(['auto', 'disabled'])),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: 512 }), {
      maxProperties: 16,
      propertyNames: { maxLength: 64 },
    }),
  ),
  include: Type.Optional(Type.Array(Type.String())),
  reasoning: Type.Optional(
    Type.Object({
      effort: Type.Optional(ReasoningEffort),
      summary: Type.Optional(Type.Enum(['auto', 'concise', 'detailed'])),
      /** Chorus's own: at most so many tokens of reasoning; 0 leaves it out. */
      max_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_INT32 })),
    }),
  ),
  text: Type.Optional(
    Type.Object({
      format: Type.Optional(Type.Unknown()),
      verbosity: Type.Optional(Type.Enum(['low', 'medium', 'high'])),
    }),
  ),
  service_tier: Type.Optional(Type.String()),
  user: Type.Optional(Type.String()),
  safety_identifier: Type.Optional(Type.String({ maxLength: 64 })),
  prompt_cache_key: Type.Optional(Type.String()),
});

export type CreateResponseBody = Static<typeof CreateResponseBody>;

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete' | 'failed';
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export interface OutputText {
  type: 'output_text';
  text: string;
  annotations: [];
  /** One entry a token, where they were asked for. */
  logprobs: TokenLogprob[];
}

export interface TokenLogprob {
  token: string;
  logprob: number;
  /** The token's UTF-8 bytes, which need not be whole characters. */
  bytes: number[];
  top_logprobs: Omit<TokenLogprob, 'top_logprobs'>[];
}

export interface ReasoningText {
  type: 'reasoning_text';
  text: string;
}

export interface MessageItem {
  id: string;
  type: 'message';
  role: 'assistant';
  status: ItemStatus;
  phase: 'commentary' | 'final_answer';
  content: OutputText[];
}

export interface ReasoningItem {
  id: string;
  type: 'reasoning';
  summary: [];
  /** Left out where the operator hides reasoning. */
  content?: ReasoningText[];
  /** The sealed text, for clients that keep their own history; only when they asked for it. */
  encrypted_content?: string;
}

export interface FunctionCallItem {
  id: string;
  type: 'function_call';
  status: ItemStatus;
  /** What a `function_call_output` names. */
  call_id: string;
  name: string;
  /** JSON text. */
  arguments: string;
}

export type OutputItem = MessageItem | ReasoningItem | FunctionCallItem;

/** What `text.format` says, as it is echoed. */
export type TextFormat =
  | { type: 'text' | 'json_object' }
  | {
      type: 'json_schema';
      name: string;
      description: string | null;
      schema: Readonly<Record<string, unknown>>;
      strict: boolean;
    };

/** A function tool as it is echoed: every key there. */
export interface EchoedTool {
  type: 'function';
  name: string;
  description: string | null;
  parameters: Readonly<Record<string, unknown>> | null;
  strict: boolean;
}

export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** An engine that failed while it made an answer which another one then made or brought to its end. */
export interface FailedAttemptObject {
  engine: string;
  /** `moved`: the next engine went on after so many output tokens; `retried`: it began anew. */
  outcome: 'moved' | 'retried';
  output_tokens: number;
  reason: string;
}

/** The response object: what JSON answers, and what the lifecycle events of a stream carry as `response`. */
export interface ResponseObject {
  id: string;
  object: 'response';
  created_at: number;
  completed_at: number | null;
  /** Chorus's own: when a stored response is forgotten, in seconds since the epoch. */
  expires_at: number | null;
  status: ResponseStatus;
  background: false;
  /** Chorus's own: only where engines failed on the way to this answer. */
  chorus?: { failed_attempts: FailedAttemptObject[] };
  error: { code: string; message: string } | null;
  incomplete_details: { reason: 'max_output_tokens' } | null;
  instructions: string | null;
  max_output_tokens: number | null;
  max_tool_calls: number | null;
  metadata: Record<string, string>;
  model: string;
  output: OutputItem[];
  parallel_tool_calls: boolean;
  presence_penalty: number;
  frequency_penalty: number;
  previous_response_id: string | null;
  prompt_cache_key: string | null;
  reasoning: { effort: ReasoningEffort; summary: string | null; max_tokens?: number };
  safety_identifier: string | null;
  service_tier: string;
  store: boolean;
  temperature: number;
  text: { format: TextFormat; verbosity: string };
  tool_choice: unknown;
  tools: EchoedTool[];
  top_logprobs: number;
  top_p: number;
  truncation: 'auto' | 'disabled';
  usage: ResponseUsage | null;
  user: string | null;
}
