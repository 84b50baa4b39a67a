import type { Clock } from '../domain/clock.ts';
import type { JsonSchema } from '../harmony/message.ts';
import type { ReasoningEffort } from '../protocol/responses.ts';
import type { ApiType } from './result.ts';
import type { ResponseFormat } from './structured-output.ts';

/** A function that the model may call. */
export interface LMTool {
  readonly type?: 'function';
  readonly name: string;
  readonly description?: string;
  /** A JSON schema; none: it takes no arguments. */
  readonly parameters?: JsonSchema;
  /** Whether the arguments must match `parameters`. */
  readonly strict?: boolean;
}

/** Whether the model is to call a tool: as it likes (`auto`), not at all, some tool, or this one. */
export type LMToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** How an answer is made: for all calls of an LM, or for one, which wins. What is absent is the server's default. */
export interface GenerationOptions {
  /** 0 to 2. */
  readonly temperature?: number;
  /** 0 to 1. */
  readonly topP?: number;
  /** The most tokens, reasoning included. */
  readonly maxOutputTokens?: number;
  readonly reasoningEffort?: ReasoningEffort;
  readonly tools?: readonly LMTool[];
  readonly toolChoice?: LMToolChoice;
  /** Whatever else the server takes: fields of the request's body, in harmony mode of its `sampling_params`. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}

/** What an LM is made with; every option has a default. */
export interface LMOptions extends GenerationOptions {
  /**
   * Which API to use. `auto`, the default: harmony where gpt-oss has a harmony endpoint, responses for models known for
   * it, else chat; a server without `/responses` is then asked by chat.
   */
  readonly mode?: ApiType | 'auto';
  /** The same in short: true is `responses`, false is `chat`. Default: `SYNTH_AI_USE_RESPONSES_API`, else `auto`. */
  readonly useResponsesApi?: boolean | 'auto';
  /** Whether calls go on from one another. Default: `SYNTH_AI_AUTO_STORE_RESPONSES`, else true. */
  readonly autoStoreResponses?: boolean;
  /** Default: `OPENAI_BASE_URL`, else a Chorus on this machine for gpt-oss, else OpenAI. */
  readonly baseURL?: string;
  /** Default: `OPENAI_API_KEY`, else `EMPTY`, which a keyless server takes. */
  readonly apiKey?: string;
  /** Harmony mode: the server, or its `/inference/v1/generate`. Default: `SYNTH_GPU_HARMONY_ENDPOINT`, else `baseURL`. */
  readonly harmonyEndpoint?: string;
  /** How often a request is sent again that was refused for the moment, or met no server. Default 2. */
  readonly maxRetries?: number;
  /** How long to wait for a server to begin its answer. Node's fetch gives up after five minutes: stream long answers. */
  readonly timeoutMs?: number;
  /** What tells the date that gpt-oss is told in harmony mode. Default: this machine's. */
  readonly clock?: Clock;
}

/** What one call may say. */
export interface RespondOptions<T = unknown> extends GenerationOptions {
  /** The response to go on from, whatever was said since; null begins anew. Default: the last one, where storing is on. */
  readonly previousResponseId?: string | null;
  /** `autoStoreResponses` for this call: off, it neither goes on from the last response nor becomes it. */
  readonly autoStore?: boolean;
  /** The JSON that the answer must be. */
  readonly responseFormat?: ResponseFormat<T>;
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The options of a call over those of its LM, which it leaves as they are where it says nothing. */
export function mergeGeneration(base: GenerationOptions, call: GenerationOptions): GenerationOptions {
  const { temperature, topP, maxOutputTokens, reasoningEffort, tools, toolChoice, extraBody } = call;
  return { ...base, ...given({ temperature, topP, maxOutputTokens, reasoningEffort, tools, toolChoice, extraBody }) };
}

/** The same object without the keys whose value is undefined. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
