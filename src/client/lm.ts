import { ApiSwitch } from './api-switch.ts';
import { LMStream } from './lm-stream.ts';
import { readInput, type LMInput, type LMMessage } from './messages.ts';
import type { OnDelta } from './model-api.ts';
import { mergeGeneration, type LMOptions, type RespondOptions } from './options.ts';
import type { ApiType, LMResult } from './result.ts';
import { readSettings, type Settings } from './settings.ts';
import { readFormat, readStructured } from './structured-output.ts';
import { TurnQueue } from './turn-queue.ts';

/** What the user says, or a system message and what the user says; then options. */
export type RespondArguments<T = unknown> =
  [input: LMInput, options?: RespondOptions<T>] | [system: string, user: string, options?: RespondOptions<T>];

/**
 * A language model behind one API: Responses, chat, or gpt-oss's own tokens. Its calls run one after another and, unless
 * storing is off, each goes on from the last one that succeeded; `fork` for what is to run side by side.
 */
export class LM {
  readonly model: string;
  readonly #options: LMOptions;
  readonly #turns = new TurnQueue();
  #settings: Settings;
  #api: ApiSwitch;
  #lastResponseId: string | null = null;

  /** Throws an `LMError` for options or variables that make no sense. Nothing is sent. */
  constructor(model: string, options: LMOptions = {}) {
    this.model = model;
    this.#options = options;
    this.#settings = readSettings(model, options, process.env);
    this.#api = new ApiSwitch(this.#settings);
  }

  /** The API that the next call uses. */
  get apiType(): ApiType {
    return this.#api.choice.apiType;
  }

  /** Why it is that one. */
  get apiReason(): string {
    return this.#api.choice.reason;
  }

  /** The response that the next call goes on from; null at the beginning of a conversation, and in chat mode. */
  get lastResponseId(): string | null {
    return this.#lastResponseId;
  }

  /**
   * Asks the model. Rejects with an `LMError`, with the `openai` package's `APIError` once its retries are spent, or with
   * the reason of `options.signal`; the conversation then stands where it was.
   */
  respond<T = unknown>(...args: RespondArguments<T>): Promise<LMResult<T>> {
    const { messages, options } = readArguments(args);
    return this.#respond({ messages, options, onDelta: null, signal: options.signal ?? null });
  }

  /** The same as `respond`, for those who know it by this name. */
  respondAsync<T = unknown>(...args: RespondArguments<T>): Promise<LMResult<T>> {
    return this.respond(...args);
  }

  /** Asks the model and gives the answer as it comes. Takes its turn among the other calls. */
  stream<T = unknown>(...args: RespondArguments<T>): LMStream<T> {
    const { messages, options } = readArguments(args);
    return new LMStream((onDelta, signal) => this.#respond({ messages, options, onDelta, signal }), options.signal);
  }

  /** Another LM that goes on from where this one's last finished call ended, and then its own way. */
  fork(): LM {
    const fork = new LM(this.model, this.#options);
    fork.#settings = this.#settings;
    fork.#api = this.#api;
    fork.#lastResponseId = this.#lastResponseId;
    return fork;
  }

  async #respond<T>({ messages, options, onDelta, signal }: Asked<T>): Promise<LMResult<T>> {
    const format = options.responseFormat === undefined ? null : readFormat(options.responseFormat);
    const generation = mergeGeneration(this.#settings.generation, options);
    return this.#turns.run(async () => {
      const isStored = options.autoStore ?? this.#settings.autoStore;
      const lastResponseId = isStored ? this.#lastResponseId : null;
      const previousResponseId = options.previousResponseId === undefined ? lastResponseId : options.previousResponseId;
      const call = { model: this.model, messages, previousResponseId, generation, format, signal };
      const reply = await this.#api.call(call, onDelta);
      const hasAnswer = format !== null && reply.toolCalls.length === 0;
      const structuredOutput = hasAnswer ? await readStructured(format, reply.text) : null;
      signal?.throwIfAborted();
      if (isStored && reply.responseId !== null) this.#lastResponseId = reply.responseId;
      return { ...reply, structuredOutput };
    }, signal);
  }
}

interface Asked<T> {
  readonly messages: readonly LMMessage[];
  readonly options: RespondOptions<T>;
  readonly onDelta: OnDelta | null;
  readonly signal: AbortSignal | null;
}

function readArguments<T>(args: RespondArguments<T>): Pick<Asked<T>, 'messages' | 'options'> {
  const [input, second, third] = args;
  if (typeof input !== 'string' || typeof second !== 'string') {
    return { messages: readInput(input), options: (second as RespondOptions<T> | undefined) ?? {} };
  }
  const system: LMMessage = { role: 'system', content: input };
  return { messages: [system, { role: 'user', content: second }], options: third ?? {} };
}
