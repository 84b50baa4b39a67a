import { Type } from 'typebox';
import { nullable } from './nullable.ts';

const Count = Type.Integer({ minimum: 0 });
const Seconds = Type.Integer({ description: 'Seconds since the Unix epoch.' });
/** What gpt-oss never has. */
const Nothing = Type.Array(Type.Unknown(), { maxItems: 0 });
const ItemStatus = Type.Enum(['in_progress', 'completed', 'incomplete']);

const PlainLogprob = Type.Object({
  token: Type.String(),
  logprob: Type.Number(),
  bytes: Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), {
    description: 'UTF-8, which need not be whole characters.',
  }),
});

export const LogprobBody = Type.Object({ ...PlainLogprob.properties, top_logprobs: Type.Array(PlainLogprob) });

export const OutputTextBody = Type.Object({
  type: Type.Literal('output_text'),
  text: Type.String(),
  annotations: Nothing,
  logprobs: Type.Array(LogprobBody),
});

export const ReasoningTextBody = Type.Object({ type: Type.Literal('reasoning_text'), text: Type.String() });

const MessageBody = Type.Object({
  id: Type.String(),
  type: Type.Literal('message'),
  role: Type.Literal('assistant'),
  status: ItemStatus,
  phase: Type.Enum(['commentary', 'final_answer']),
  content: Type.Array(OutputTextBody),
});

const ReasoningBody = Type.Object({
  id: Type.String(),
  type: Type.Literal('reasoning'),
  summary: Nothing,
  content: Type.Optional(
    Type.Array(ReasoningTextBody, { description: 'Left out where the operator hides reasoning.' }),
  ),
  encrypted_content: Type.Optional(Type.String({ description: 'Where `include` asked for it.' })),
});

const FunctionCallBody = Type.Object({
  id: Type.String(),
  type: Type.Literal('function_call'),
  status: ItemStatus,
  call_id: Type.String({ description: 'What a `function_call_output` names.' }),
  name: Type.String(),
  arguments: Type.String({ description: 'JSON text.' }),
});

export const OutputItemBody = Type.Union([MessageBody, ReasoningBody, FunctionCallBody]);

const FormatBody = Type.Union([
  Type.Object({ type: Type.Enum(['text', 'json_object']) }),
  Type.Object({
    type: Type.Literal('json_schema'),
    name: Type.String(),
    description: nullable(Type.String()),
    schema: Type.Record(Type.String(), Type.Unknown()),
    strict: Type.Boolean(),
  }),
]);

const ToolBody = Type.Object({
  type: Type.Literal('function'),
  name: Type.String(),
  description: nullable(Type.String()),
  parameters: nullable(Type.Record(Type.String(), Type.Unknown())),
  strict: Type.Boolean(),
});

const UsageBody = Type.Object({
  input_tokens: Count,
  input_tokens_details: Type.Object({ cached_tokens: Count, cache_write_tokens: Count }),
  output_tokens: Count,
  output_tokens_details: Type.Object({ reasoning_tokens: Count }),
  total_tokens: Count,
});

const FailedAttemptBody = Type.Object({
  engine: Type.String(),
  outcome: Type.Enum(['moved', 'retried'], { description: 'Another engine went on, or began anew.' }),
  output_tokens: Count,
  reason: Type.String(),
});

export const ResponseBody = Type.Object({
  id: Type.String(),
  object: Type.Literal('response'),
  created_at: Seconds,
  completed_at: nullable(Seconds),
  expires_at: nullable(Type.Integer({ description: "Chorus's own: when a kept response is forgotten." })),
  status: Type.Enum(['in_progress', 'completed', 'incomplete', 'failed']),
  background: Type.Literal(false),
  chorus: Type.Optional(
    Type.Object(
      { failed_attempts: Type.Array(FailedAttemptBody) },
      { description: "Chorus's own: only where engines failed on the way to this answer." },
    ),
  ),
  error: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
  incomplete_details: nullable(Type.Object({ reason: Type.Literal('max_output_tokens') })),
  instructions: nullable(Type.String()),
  max_output_tokens: nullable(Count),
  max_tool_calls: nullable(Count),
  metadata: Type.Record(Type.String(), Type.String()),
  model: Type.String(),
  output: Type.Array(OutputItemBody),
  output_text: Type.Optional(Type.String({ description: 'The whole answer as text; not in the events of a stream.' })),
  parallel_tool_calls: Type.Boolean(),
  presence_penalty: Type.Number(),
  frequency_penalty: Type.Number(),
  previous_response_id: nullable(Type.String()),
  prompt_cache_key: nullable(Type.String()),
  reasoning: Type.Object({
    effort: Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']),
    summary: nullable(Type.String()),
    max_tokens: Type.Optional(Count),
  }),
  safety_identifier: nullable(Type.String()),
  service_tier: Type.String(),
  store: Type.Boolean(),
  temperature: Type.Number(),
  text: Type.Object({ format: FormatBody, verbosity: Type.String() }),
  tool_choice: Type.Unknown(),
  tools: Type.Array(ToolBody),
  top_logprobs: Count,
  top_p: Type.Number(),
  truncation: Type.Enum(['auto', 'disabled']),
  usage: nullable(UsageBody),
  user: nullable(Type.String()),
});

export const DeletedResponseBody = Type.Object({
  id: Type.String(),
  object: Type.Literal('response'),
  deleted: Type.Literal(true),
});

export const InputItemsBody = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Object({ id: Type.String(), type: Type.String() })),
  first_id: Type.String({ description: 'Empty where the page is.' }),
  last_id: Type.String({ description: 'Empty where the page is.' }),
  has_more: Type.Boolean(),
});
