import type OpenAI from 'openai';
import type { TerminalEventType } from '../protocol/events.ts';
import { isGptOss } from './choose-api.ts';
import { LMError } from './errors.ts';
import type { LMAssistantMessage, LMMessage } from './messages.ts';
import { requestOptions, type ModelApi, type ModelCall, type OnDelta } from './model-api.ts';
import { given, type LMTool, type LMToolChoice } from './options.ts';
import { sayingOf, toolCallOf, type LMUsage, type Reply } from './result.ts';

type Response = OpenAI.Responses.Response;
type Item = OpenAI.Responses.ResponseInputItem;
type Body = OpenAI.Responses.ResponseCreateParamsNonStreaming;
type Event = OpenAI.Responses.ResponseStreamEvent;

/** Asks by `POST /responses`, where the server keeps the conversation. */
export function createResponsesApi(http: OpenAI): ModelApi {
  return {
    async call(call, onDelta) {
      const body = requestBody(call);
      if (onDelta === null) return readResponse(await http.responses.create(body, requestOptions(call)));
      const stream = await http.responses.create({ ...body, stream: true }, requestOptions(call));
      return readResponse(await readStream(stream, onDelta));
    },
  };
}

function requestBody({ model, messages, previousResponseId, generation, format }: ModelCall): Body {
  const { temperature, topP, maxOutputTokens, reasoningEffort, tools, toolChoice, extraBody } = generation;
  const body = {
    model,
    input: messages.flatMap((message) => toItems(message, isGptOss(model))),
    previous_response_id: previousResponseId ?? undefined,
    temperature,
    top_p: topP,
    max_output_tokens: maxOutputTokens,
    reasoning: reasoningEffort && { effort: reasoningEffort },
    tools: tools?.map(toWireTool),
    tool_choice: toolChoice && toWireChoice(toolChoice),
    text: format === null ? undefined : { format: toWireFormat(format) },
  };
  return { ...given(body), ...extraBody } as Body;
}

function toItems(message: LMMessage, readsReasoning: boolean): Item[] {
  switch (message.role) {
    case 'system':
    case 'developer':
    case 'user':
      return [{ type: 'message', role: message.role, content: message.content }];
    case 'assistant':
      return assistantItems(message, readsReasoning);
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.tool_call_id, output: message.content }];
  }
}

/** What is said beside a call is a preamble of it. */
function assistantItems({ content, reasoning, tool_calls: calls = [] }: LMAssistantMessage, reads: boolean): Item[] {
  const phase = calls.length === 0 ? 'final_answer' : 'commentary';
  const thought = reads && reasoning ? [{ type: 'reasoning_text' as const, text: reasoning }] : [];
  return [
    ...thought.map((part) => ({ type: 'reasoning', summary: [], content: [part] }) as unknown as Item),
    ...(content ? [{ type: 'message' as const, role: 'assistant' as const, content, phase } as Item] : []),
    ...calls.map(({ id, function: { name, arguments: text } }): Item => {
      return { type: 'function_call', call_id: id, name, arguments: text };
    }),
  ];
}

const toWireTool = ({ name, description, parameters, strict }: LMTool): object => ({
  type: 'function',
  name,
  ...given({ description }),
  parameters: parameters ?? { type: 'object', properties: {} },
  strict: strict ?? false,
});

const toWireChoice = (choice: LMToolChoice): object | string =>
  typeof choice === 'string' ? choice : { type: 'function', name: choice.name };

function toWireFormat({ name, description, schema, isStrict }: NonNullable<ModelCall['format']>): object {
  return { type: 'json_schema', name, schema, strict: isStrict, ...(description === null ? {} : { description }) };
}

/** Tells the pieces and returns the response of the terminal event, once the stream is over and its connection free. */
async function readStream(events: AsyncIterable<Event>, onDelta: OnDelta): Promise<Response> {
  const preambles = new Set<number>();
  let response: Response | null = null;
  for await (const event of events) {
    if (isTerminal(event)) response = event.response;
    else if (event.type !== 'response.output_item.added') tell(event, preambles, onDelta);
    else if (event.item.type === 'message' && event.item.phase === 'commentary') preambles.add(event.output_index);
  }
  if (response !== null) return response;
  throw new LMError('stream_cut', 'The stream ended before its response did.');
}

type Terminal = Extract<Event, { type: TerminalEventType }>;

const isTerminal = (event: Event): event is Terminal =>
  event.type === 'response.completed' || event.type === 'response.incomplete' || event.type === 'response.failed';

/** Beginnings, ends and whatever else a server tells says nothing that the response does not say. */
function tell(event: Event, preambles: ReadonlySet<number>, onDelta: OnDelta): void {
  if (event.type === 'response.output_text.delta' || event.type === 'response.refusal.delta') {
    onDelta({ type: 'text', text: event.delta, phase: preambles.has(event.output_index) ? 'preamble' : 'answer' });
  } else if (event.type === 'response.reasoning_text.delta' || event.type === 'response.reasoning_summary_text.delta') {
    onDelta({ type: 'reasoning', text: event.delta });
  } else if (event.type === 'response.output_item.done' && event.item.type === 'function_call') {
    onDelta({ type: 'toolCall', toolCall: toCall(event.item) });
  }
}

const toCall = ({ call_id: id, name, arguments: text }: OpenAI.Responses.ResponseFunctionToolCall) =>
  toolCallOf({ id, name, arguments: text });

function readResponse(response: Response): Reply {
  if (response.status !== 'completed' && response.status !== 'incomplete') {
    const why = response.error?.message ?? `its status is ${response.status}`;
    throw new LMError('response_failed', `Response ${response.id} failed: ${why}`, { cause: response.error });
  }
  return {
    apiType: 'responses',
    rawResponse: response,
    responseId: response.id,
    ...sayingOf({
      answer: textOf(response, (phase) => phase !== 'commentary'),
      preamble: textOf(response, (phase) => phase === 'commentary'),
      reasoning: reasoningOf(response),
      toolCalls: response.output.flatMap((item) => (item.type === 'function_call' ? toCall(item) : [])),
    }),
    usage: readUsage(response),
    incompleteReason: response.status === 'incomplete' ? (response.incomplete_details?.reason ?? 'unknown') : null,
  };
}

function textOf({ output }: Response, isWanted: (phase: string | null) => boolean): string {
  const messages = output.filter((item) => item.type === 'message').filter(({ phase }) => isWanted(phase ?? null));
  return messages
    .flatMap(({ content }) => content.map((part) => (part.type === 'refusal' ? part.refusal : part.text)))
    .join('');
}

/** The thoughts themselves; where a server keeps them to itself, its summaries. */
function reasoningOf({ output }: Response): string | null {
  const items = output.filter((item) => item.type === 'reasoning');
  const thoughts = items.flatMap(({ content }) => content ?? []);
  const told = thoughts.length > 0 ? thoughts : items.flatMap(({ summary }) => summary);
  return told.length === 0 ? null : told.map(({ text }) => text).join('');
}

function readUsage({ usage }: Response): LMUsage | null {
  if (!usage) return null;
  return {
    inputTokens: usage.input_tokens,
    cachedTokens: usage.input_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage.output_tokens,
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens ?? 0,
    totalTokens: usage.total_tokens,
  };
}
