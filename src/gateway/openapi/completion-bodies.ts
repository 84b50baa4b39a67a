import { Type } from 'typebox';
import { nullable } from './nullable.ts';
import { LogprobBody } from './response-bodies.ts';

const Count = Type.Integer({ minimum: 0 });
const Seconds = Type.Integer({ description: 'Seconds since the Unix epoch.' });
const Index = Type.Literal(0);

export const CompletionUsageBody = Type.Object({
  prompt_tokens: Count,
  completion_tokens: Count,
  total_tokens: Count,
  prompt_tokens_details: Type.Object({ cached_tokens: Count }),
  completion_tokens_details: Type.Optional(Type.Object({ reasoning_tokens: Count })),
});

const ChatLogprobsBody = Type.Object({ content: Type.Array(LogprobBody), refusal: Type.Null() });
const ChatFinishReason = Type.Enum(['stop', 'length', 'tool_calls']);
const CalledFunction = Type.Object({ name: Type.String(), arguments: Type.String({ description: 'JSON text.' }) });
const Reasoning = Type.Optional(Type.String({ description: 'Left out where there is none, or none is shown.' }));

const CHAT_HEAD = {
  id: Type.String(),
  created: Seconds,
  model: Type.String(),
  system_fingerprint: Type.String(),
  service_tier: Type.Literal('default'),
};

const ChatMessageBody = Type.Object({
  role: Type.Literal('assistant'),
  content: nullable(Type.String({ description: 'Null where there is nothing but calls.' })),
  refusal: Type.Null(),
  reasoning: Reasoning,
  tool_calls: Type.Optional(
    Type.Array(Type.Object({ id: Type.String(), type: Type.Literal('function'), function: CalledFunction })),
  ),
});

export const ChatCompletionBody = Type.Object({
  ...CHAT_HEAD,
  object: Type.Literal('chat.completion'),
  choices: Type.Array(
    Type.Object({
      index: Index,
      message: ChatMessageBody,
      logprobs: nullable(ChatLogprobsBody),
      finish_reason: ChatFinishReason,
    }),
    { minItems: 1, maxItems: 1 },
  ),
  usage: CompletionUsageBody,
});

const ChatDeltaBody = Type.Object({
  role: Type.Optional(Type.Literal('assistant')),
  content: Type.Optional(Type.String()),
  refusal: Type.Optional(Type.Null()),
  reasoning: Reasoning,
  tool_calls: Type.Optional(
    Type.Array(
      Type.Object({
        index: Count,
        id: Type.Optional(Type.String()),
        type: Type.Optional(Type.Literal('function')),
        function: Type.Object({ name: Type.Optional(Type.String()), arguments: Type.String() }),
      }),
    ),
  ),
});

export const ChatChunkBody = Type.Object(
  {
    ...CHAT_HEAD,
    object: Type.Literal('chat.completion.chunk'),
    choices: Type.Array(
      Type.Object({
        index: Index,
        delta: ChatDeltaBody,
        logprobs: nullable(ChatLogprobsBody),
        finish_reason: nullable(ChatFinishReason),
      }),
      { maxItems: 1 },
    ),
    usage: Type.Optional(nullable(CompletionUsageBody)),
  },
  {
    description:
      'The first has the role, the one with a `finish_reason` is the last of the answer. With ' +
      '`stream_options.include_usage` one without choices follows it. `data: [DONE]` ends the stream; a failed one has ' +
      'an `Error` before it.',
  },
);
