import type { ModelId } from '../domain/model.ts';
import type {
  CreateResponseBody,
  EchoedTool,
  ReasoningEffort,
  ResponseObject,
  TextFormat,
} from '../protocol/responses.ts';
import type { OfferedTool } from './tools.ts';

interface Decided {
  readonly id: string;
  readonly model: ModelId;
  readonly effort: ReasoningEffort;
  readonly temperature: number;
  readonly nowMs: number;
  readonly format: TextFormat;
  readonly tools: readonly OfferedTool[];
  /** Null: it is not kept. */
  readonly expiresAtMs: number | null;
}

/** The response as the first event carries it: everything echoed, nothing generated. */
export function emptyResponse(body: CreateResponseBody, decided: Decided): ResponseObject {
  const { id, model, effort, temperature, nowMs, format, tools, expiresAtMs } = decided;
  const { reasoning } = body;
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
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: {
      effort,
      summary: reasoning?.summary ?? null,
      ...(reasoning?.max_tokens === undefined ? {} : { max_tokens: reasoning.max_tokens }),
    },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: body.service_tier ?? 'auto',
    store: expiresAtMs !== null,
    expires_at: expiresAtMs === null ? null : Math.floor(expiresAtMs / 1000),
    temperature,
    text: { format, verbosity: body.text?.verbosity ?? 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: tools.map(echoedTool),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    usage: null,
    user: body.user ?? null,
  };
}

const echoedTool = ({ name, tool, strict }: OfferedTool): EchoedTool => ({
  type: 'function',
  name,
  description: tool.description,
  parameters: tool.parameters,
  strict,
});
