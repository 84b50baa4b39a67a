import type OpenAI from 'openai';
import { ChatAnswer, type ChatMessage } from './chat-answer.ts';
import { isGptOss } from './choose-api.ts';
import { LMError } from './errors.ts';
import type { LMMessage } from './messages.ts';
import { requestOptions, type ModelApi, type ModelCall } from './model-api.ts';
import { given, type LMTool, type LMToolChoice } from './options.ts';
import { sayingOf, toolCallOf, type LMUsage, type Reply } from './result.ts';

type Completion = OpenAI.ChatCompletion;
type Body = OpenAI.ChatCompletionCreateParamsNonStreaming;

/** Asks by `POST /chat/completions`: the conversation is in the messages, and ids mean nothing. */
export function createChatApi(http: OpenAI): ModelApi {
  return {
    async call(call, onDelta) {
      const body = requestBody(call);
      if (onDelta === null) return readCompletion(await http.chat.completions.create(body, requestOptions(call)));
      const streaming = { ...body, stream: true, stream_options: { include_usage: true } } as const;
      const stream = await http.chat.completions.create(streaming, requestOptions(call));
      const answer = new ChatAnswer(onDelta);
      for await (const chunk of stream) answer.take(chunk);
      return readCompletion(answer.finish());
    },
  };
}

function requestBody({ model, messages, generation, format }: ModelCall): Body {
  const { temperature, topP, maxOutputTokens, reasoningEffort, tools, toolChoice, extraBody } = generation;
  const body = {
    model,
    messages: messages.map((message) => toWireMessage(message, isGptOss(model))),
    temperature,
    top_p: topP,
    max_completion_tokens: maxOutputTokens,
    reasoning_effort: reasoningEffort,
    tools: tools?.map(toWireTool),
    tool_choice: toolChoice && toWireChoice(toolChoice),
    response_format: format === null ? undefined : toWireFormat(format),
  };
  return { ...given(body), ...extraBody } as Body;
}

/** OpenAI refuses messages with keys that it does not know. */
function toWireMessage(message: LMMessage, readsReasoning: boolean): LMMessage {
  if (message.role !== 'assistant' || readsReasoning) return message;
  const { reasoning: _, ...rest } = message;
  return rest;
}

const toWireTool = ({ name, description, parameters, strict }: LMTool): object => ({
  type: 'function',
  function: { name, ...given({ description, parameters, strict }) },
});

const toWireChoice = (choice: LMToolChoice): object | string =>
  typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } };

function toWireFormat({ name, description, schema, isStrict }: NonNullable<ModelCall['format']>): object {
  const described = description === null ? {} : { description };
  return { type: 'json_schema', json_schema: { name, schema, strict: isStrict, ...described } };
}

function readCompletion(completion: Completion): Reply {
  const [choice] = completion.choices;
  if (!choice) throw new LMError('response_failed', `The server's answer ${completion.id} has no choice in it.`);
  const message: ChatMessage = choice.message;
  const calls = (message.tool_calls ?? []).flatMap((call) => (call.type === 'function' ? call : []));
  return {
    apiType: 'chat',
    rawResponse: completion,
    responseId: null,
    ...sayingOf({
      answer: message.content ?? message.refusal ?? '',
      preamble: '',
      reasoning: message.reasoning ?? message.reasoning_content ?? null,
      toolCalls: calls.map(({ id, function: { name, arguments: text } }) => toolCallOf({ id, name, arguments: text })),
    }),
    usage: readUsage(completion),
    incompleteReason: INCOMPLETE[choice.finish_reason] ?? null,
  };
}

/** By finish reason, as the Responses API calls them. */
const INCOMPLETE: Readonly<Record<string, string>> = { length: 'max_output_tokens', content_filter: 'content_filter' };

function readUsage({ usage }: Completion): LMUsage | null {
  if (!usage) return null;
  return {
    inputTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage.completion_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
    totalTokens: usage.total_tokens,
  };
}
