import type { Caller } from '../domain/caller.ts';
import { CodedError } from '../domain/errors.ts';
import { resolveModelId, type ModelId } from '../domain/model.ts';
import { EFFORTS } from '../protocol/effort.ts';
import { STOP_TOKEN_IDS } from '../harmony/tokens.ts';
import type { CreateResponseBody, ReasoningEffort, ResponseObject } from '../protocol/responses.ts';
import { outputRule } from '../turn/constraint.ts';
import { readSampling, readStop } from '../turn/read-sampling.ts';
import type { TurnRequest } from '../turn/run-turn.ts';

import { checkCalls } from './calls.ts';
import { toHarmony } from './conversation.ts';
import { emptyResponse } from './empty-response.ts';
import { newId } from './ids.ts';
import { readInput, type InputItem } from './input.ts';
import type { OutputPolicy } from './output-policy.ts';
import type { Recalled } from './recall.ts';
import { readTextFormat, type AnswerFormat } from './text-format.ts';
import { readToolChoice, readTools, type OfferedTool, type ToolChoice } from './tools.ts';

/** A request that has been checked: what to ask the model, the response object to fill, and how to show the output. */
export interface PreparedResponse {
  readonly caller: Caller;
  readonly turn: TurnRequest;
  readonly response: ResponseObject;
  readonly policy: OutputPolicy;
  /** What was said before: the whole context of the previous response. */
  readonly context: readonly InputItem[];
  /** The items that this request adds to its conversation. */
  readonly newInput: readonly InputItem[];
  /** `YYYY-MM-DD`, UTC: of the chain's first turn, so that all its prompts begin alike. */
  readonly rootDate: string;
}

export interface PrepareOptions {
  readonly nowMs: number;
  readonly caller: Caller;
  readonly recalled: Recalled;
  /** How long responses are kept; null where they cannot be. */
  readonly retentionMs: number | null;
  /** Why a catalogue model is not served here; null when it is. */
  readonly whyNotServed: (model: ModelId) => string | null;
  /** Whether clients see the text of the model's reasoning. */
  readonly showReasoning: boolean;
  /** Temperature of a request that names none. */
  readonly defaultTemperature: number;
  readonly spellLogprob: OutputPolicy['spellLogprob'];
  readonly seal: (text: string) => string;
  readonly unseal: (sealed: string) => string | null;
}

const SEALED_REASONING = 'reasoning.encrypted_content';
const LOGPROBS = 'message.output_text.logprobs';
const INCLUDES = [
  SEALED_REASONING,
  LOGPROBS,
  'web_search_call.action.sources',
  'web_search_call.results',
  'file_search_call.results',
  'code_interpreter_call.outputs',
  'computer_call_output.output.image_url',
  'message.input_image.image_url',
];

/** What a body asks of the model, whichever API it came by. */
interface PreparedTurn extends Omit<PreparedResponse, 'response' | 'caller' | 'context'> {
  readonly tools: readonly OfferedTool[];
  readonly format: AnswerFormat;
  readonly effort: ReasoningEffort;
}

/** Checks a well-typed body and turns it into a turn and a response object. Throws a `CodedError` that names the field. */
export function prepareResponse(body: CreateResponseBody, options: PrepareOptions): PreparedResponse {
  const { nowMs, caller, retentionMs, recalled } = options;
  const id = newId('resp', nowMs);
  const { turn, policy, newInput, rootDate, tools, format, effort } = prepareTurn(body, id, options);
  return {
    caller,
    turn,
    response: emptyResponse(body, {
      id,
      model: turn.model,
      effort,
      temperature: turn.sampling.temperature,
      nowMs,
      format: format.echo,
      tools,
      expiresAtMs: retentionMs === null || body.store === false ? null : nowMs + retentionMs,
    }),
    policy,
    context: recalled.context,
    newInput,
    rootDate,
  };
}

/** The same without an object to fill; `id` names the turn. */
export function prepareTurn(body: CreateResponseBody, id: string, options: PrepareOptions): PreparedTurn {
  const model = servedModel(body.model, options);
  refuseUnsupported(body);
  const tools = readTools(body.tools);
  const choice = readToolChoice(body.tool_choice, tools);
  const format = readTextFormat(body.text?.format);
  const effort = body.reasoning?.effort ?? 'medium';
  const newInput = readNewInput(body, options);
  const conversation = [...options.recalled.context, ...newInput];
  checkCalls(conversation);
  const rootDate = options.recalled.rootDate ?? new Date(options.nowMs).toISOString().slice(0, 10);
  const messages = toHarmony(conversation, {
    instructions: body.instructions ?? null,
    effort: EFFORTS[effort],
    date: rootDate,
    tools: tools.map(({ tool }) => tool),
    responseFormat: format.hint,
  });
  return {
    turn: {
      requestId: id,
      cacheSalt: options.caller.project,
      authorization: options.caller.authorization ?? null,
      model,
      prompt: { kind: 'messages', messages, truncate: body.truncation === 'auto' },
      maxOutputTokens: body.max_output_tokens ?? null,
      sampling: readSampling(body, {
        temperature: body.temperature ?? options.defaultTemperature,
        topLogprobs: body.include?.includes(LOGPROBS) || body.top_logprobs ? (body.top_logprobs ?? 0) : null,
        stopTokenIds: STOP_TOKEN_IDS,
        extras: null,
      }),
      stop: readAnswerStop(body, format),
      rule: outputRule({
        ...wishedCalls(tools, choice),
        answer: format.wish,
        maxReasoningTokens: body.reasoning?.max_tokens ?? null,
      }),
    },
    policy: { ...outputPolicy(body, options, tools, format), callRequired: choice.calls === 'required' },
    newInput,
    rootDate,
    tools,
    format,
    effort,
  };
}

/** A stop string would break JSON off. */
function readAnswerStop(body: CreateResponseBody, { hint }: AnswerFormat): readonly string[] {
  const stops = readStop(body);
  if (stops.length === 0 || hint === null) return stops;
  const message = 'stop would break off the JSON that text.format asks for. Send one of them.';
  throw new CodedError('mutually_exclusive', message, { param: 'stop' });
}

/** The catalogue's model of that name. Throws a `CodedError` where there is none, or it is not served. */
export function servedModel(name: string, { whyNotServed }: Pick<PrepareOptions, 'whyNotServed'>): ModelId {
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
    throw new CodedError(
      'invalid_value',
      `Invalid value: '${unknownInclude.slice(0, 80)}'. Supported: ${INCLUDES.join(', ')}.`,
      { param: 'include' },
    );
  }
  if (body.background === true) {
    throw new CodedError('unsupported_parameter', 'background is not supported. Leave it out or send false.', {
      param: 'background',
    });
  }
}

/** A continuation may add nothing: then the model goes on from what was said. */
function readNewInput(
  { input, previous_response_id: previous }: CreateResponseBody,
  options: PrepareOptions,
): InputItem[] {
  if (input === undefined && previous === undefined) {
    const message = 'Missing required parameter: input. Send a string or a list of items.';
    throw new CodedError('missing_parameter', message, { param: 'input' });
  }
  if (Array.isArray(input) && input.length === 0 && previous === undefined) {
    throw new CodedError('invalid_value', 'input is an empty list. Send at least one item.', { param: 'input' });
  }
  return readInput(input ?? [], {
    nowMs: options.nowMs,
    unseal: options.unseal,
    referenced: options.recalled.referenced,
  });
}

function wishedCalls(
  tools: readonly OfferedTool[],
  { calls, allowed }: ToolChoice,
): Pick<Parameters<typeof outputRule>[0], 'functions' | 'calls' | 'allowed'> {
  const functions = tools.map(({ tool: { name, parameters }, strict }) => ({ name, parameters, strict }));
  const harmonyNames =
    allowed === null ? null : tools.filter(({ name }) => allowed.includes(name)).map(({ tool }) => tool.name);
  return { functions, calls, allowed: harmonyNames };
}

/** Most requests offer no functions. */
const NO_FUNCTIONS = new Map<string, never>();

function outputPolicy(
  body: CreateResponseBody,
  { nowMs, showReasoning, spellLogprob, seal }: PrepareOptions,
  tools: readonly OfferedTool[],
  format: AnswerFormat,
): Omit<OutputPolicy, 'callRequired'> {
  return {
    nowMs,
    functionNames: tools.length === 0 ? NO_FUNCTIONS : new Map(tools.map(({ name, tool }) => [tool.name, name])),
    strictParameters:
      tools.length === 0
        ? NO_FUNCTIONS
        : new Map(
            tools.flatMap(({ name, tool, strict }) =>
              strict && tool.parameters ? [[name, tool.parameters] as const] : [],
            ),
          ),
    answerSchema: format.hint?.schema ?? null,
    spellLogprob,
    showReasoning,
    sealReasoning: body.include?.includes(SEALED_REASONING) ? seal : null,
  };
}
