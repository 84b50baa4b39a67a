import { Type } from 'typebox';
import { nullable } from './nullable.ts';
import { LogprobBody } from './response-bodies.ts';

const Count = Type.Integer({ minimum: 0 });
const Seconds = Type.Integer({ description: 'Seconds since the Unix epoch.' });
const Index = Type.Literal(0);

const CompletionUsageBody = Type.Object({
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

const CompletionLogprobsBody = Type.Object({
  text_offset: Type.Array(Count),
  token_logprobs: Type.Array(Type.Number()),
  tokens: Type.Array(Type.String()),
  top_logprobs: Type.Array(Type.Record(Type.String(), Type.Number())),
});

const COMPLETION = {
  id: Type.String(),
  object: Type.Literal('text_completion'),
  created: Seconds,
  model: Type.String(),
  system_fingerprint: Type.String(),
  choices: Type.Array(
    Type.Object({
      index: Index,
      text: Type.String(),
      logprobs: nullable(CompletionLogprobsBody),
      finish_reason: nullable(Type.Enum(['stop', 'length'])),
      token_ids: Type.Optional(Type.Array(Count, { description: 'Where `return_token_ids` asked for them.' })),
    }),
    { maxItems: 1 },
  ),
};

export const CompletionBody = Type.Object({ ...COMPLETION, usage: CompletionUsageBody });

export const CompletionChunkBody = Type.Object(
  { ...COMPLETION, usage: Type.Optional(nullable(CompletionUsageBody)) },
  { description: 'As the chunks of a chat completion follow each other.' },
);

const TokenLogprobBody = Type.Object({ token_id: Count, logprob: Type.Number() });
const Unused = Type.Null({ description: "vLLM's; Chorus has nothing for it." });

const GENERATION = {
  request_id: Type.String(),
  output_mode: Type.Literal('tokens'),
  choices: Type.Array(
    Type.Object({
      index: Index,
      finish_reason: nullable(Type.Enum(['stop', 'length'])),
      stop_reason: nullable(Type.Integer({ description: 'The id that ended it, where that is not `<|return|>`.' })),
      token_ids: Type.Array(Count),
      routed_experts: Unused,
      sampling_mask: Unused,
      weight_versions: Unused,
      logprobs: nullable(
        Type.Object({
          content: Type.Array(
            Type.Object({
              ...TokenLogprobBody.properties,
              top_logprobs: Type.Optional(nullable(Type.Array(TokenLogprobBody))),
            }),
          ),
        }),
      ),
    }),
    { maxItems: 1 },
  ),
};

export const GenerationBody = Type.Object({
  ...GENERATION,
  model: Type.String(),
  created: Seconds,
  usage: CompletionUsageBody,
});

export const GenerationChunkBody = Type.Object(
  { ...GENERATION, usage: nullable(CompletionUsageBody) },
  {
    description: 'As of vLLM: the one with the `finish_reason`, then the usage where it was asked for, then `[DONE]`.',
  },
);
