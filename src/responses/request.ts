import { CodedError } from '../domain/errors.ts';
import { resolveModelId, type ModelId } from '../domain/model.ts';
import type { CreateResponseBody, ReasoningEffort, ResponseObject } from '../protocol/responses.ts';
import type { TurnRequest } from '../turn/run-turn.ts';
import { newId } from './ids.ts';
import { readInput, toHarmony } from './input.ts';

/** A request that has been checked: what to ask the model, and the response object to fill. */
export interface PreparedResponse {
  readonly turn: TurnRequest;
  readonly response: ResponseObject;
}

export interface PrepareOptions {
  readonly nowMs: number;
  /** Why a catalogue model is not served here; null when it is. */
  readonly whyNotServed: (model: ModelId) => string | null;
}

/** Seven names onto the three that gpt-oss was trained on. */
const EFFORT: Readonly<Record<ReasoningEffort, 'low' | 'medium' | 'high'>> = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};

const INCLUDES = [
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
  'web_search_call.action.sources',
  'web_search_call.results',
  'file_search_call.results',
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
  'message.input_image.image_url',
];

/** Checks a well-typed body and turns it into a turn and a response object. Throws a `CodedError` that names the field. */
export function prepareResponse(body: CreateResponseBody, options: PrepareOptions): PreparedResponse {
  const model = servedModel(body.model, options);
  refuseUnsupported(body);
  const id = newId('resp');
  const effort = body.reasoning?.effort ?? 'medium';
  const messages = toHarmony(readInput(body.input), {
    instructions: body.instructions ?? null,
    effort: EFFORT[effort],
    date: new Date(options.nowMs).toISOString().slice(0, 10),
  });
  const turn: TurnRequest = {
    requestId: id,
    model,
    messages,
    maxOutputTokens: body.max_output_tokens ?? null,
    sampling: {
      temperature: body.temperature ?? 1,
      topP: body.top_p ?? 1,
      topK: body.top_k ?? 0,
      minP: body.min_p ?? 0,
      repetitionPenalty: body.repetition_penalty ?? 1,
      presencePenalty: body.presence_penalty ?? 0,
      frequencyPenalty: body.frequency_penalty ?? 0,
      seed: body.seed ?? null,
    },
  };
  return { turn, response: emptyResponse(body, { id, model, effort, nowMs: options.nowMs }) };
}

function servedModel(name: string, { whyNotServed }: PrepareOptions): ModelId {
  const model = resolveModelId(name);
  if (model === null) {
    const message = `The model '${name.slice(0, 80)}' does not exist. Use 'gpt-oss-20b' or 'gpt-oss-120b'; GET /v1/models says which is served.`;
    throw new CodedError('model_not_found', message, { param: 'model' });
  }
  const reason = whyNotServed(model);
  if (reason !== null) throw new CodedError('model_not_served', reason, { param: 'model' });
  return model;
}

/** What Chorus does not do is said, never silently ignored: a client would take the answer for something it is not. */
function refuseUnsupported(body: CreateResponseBody): void {
  const unknownInclude = body.include?.find((name) => !INCLUDES.includes(name));
  if (unknownInclude !== undefined) {
    throw new CodedError('invalid_value', `Invalid value: '${unknownInclude}'. Supported: ${INCLUDES.join(', ')}.`, {
      param: 'include',
    });
  }
  if (body.previous_response_id !== undefined) {
    const message = `Previous response with id '${body.previous_response_id.slice(0, 80)}' not found. Responses are not stored here: send the whole conversation as input.`;
    throw new CodedError('previous_response_not_found', message, { param: 'previous_response_id' });
  }
  const unsupported = [
    ['background', body.background === true, 'Leave it out or send false.'],
    ['tools', (body.tools?.length ?? 0) > 0, 'Leave it out.'],
    ['truncation', body.truncation === 'auto', "Send 'disabled' and shorten the input yourself."],
    ['text.format', (body.text?.format?.type ?? 'text') !== 'text', "Send {'type':'text'}."],
    ['top_logprobs', (body.top_logprobs ?? 0) > 0, 'Leave it out.'],
  ] as const;
  for (const [param, asked, remedy] of unsupported) {
    if (asked)
      throw new CodedError('unsupported_parameter', `${param} with this value is not supported. ${remedy}`, { param });
  }
}

/** The response as the first event carries it: everything echoed, nothing generated. */
function emptyResponse(
  body: CreateResponseBody,
  { id, model, effort, nowMs }: { id: string; model: ModelId; effort: ReasoningEffort; nowMs: number },
): ResponseObject {
  return {
    id,
    object: 'response',
    created_at: Math.floor(nowMs / 1000),
    completed_at: null,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    metadata: body.metadata ?? {},
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    presence_penalty: body.presence_penalty ?? 0,
    frequency_penalty: body.frequency_penalty ?? 0,
    previous_response_id: null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort, summary: body.reasoning?.summary ?? null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: body.service_tier ?? 'auto',
    store: false,
    temperature: body.temperature ?? 1,
    text: { format: { type: 'text' }, verbosity: body.text?.verbosity ?? 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    usage: null,
    user: body.user ?? null,
  };
}
