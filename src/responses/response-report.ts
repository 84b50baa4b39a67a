import type { Clock } from '../domain/clock.ts';
import type { CodedError, ErrorName } from '../domain/errors.ts';
import type { ModelId } from '../domain/model.ts';
import type { TurnEnd } from '../turn/run-turn.ts';
import type { ResponseWriter } from './response-writer.ts';

/**
 * How one response ended, for counters and the log: numbers and fixed words, and nothing that a client wrote or a model
 * said.
 */
export interface ResponseReport {
  readonly responseId: string;
  readonly model: ModelId;
  readonly isStream: boolean;
  /** `aborted`: the client left before the end. */
  readonly outcome: 'completed' | 'incomplete' | 'failed' | 'aborted';
  /** Of a failed one. */
  readonly error: ErrorName | null;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the output; 0 for an aborted one, where nobody counts them. */
  readonly reasoningTokens: number;
  /** From the turn's begin to the first item of the output; null where none began. */
  readonly firstOutputMs: number | null;
  /** From the turn's begin to the response's end, its way to the disk included. */
  readonly durationMs: number;
}

/** Takes the times of one response. */
export class ResponseWatch {
  readonly #clock: Clock;
  readonly #beganMs: number;
  #firstOutputMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
  }

  readonly onFirstItem = (): void => {
    this.#firstOutputMs ??= this.#clock.monotonicMs() - this.#beganMs;
  };

  /** Once the response has ended; `error` is what the client gets. */
  report(model: ModelId, writer: ResponseWriter, { usage, kind }: TurnEnd, error: CodedError | null): ResponseReport {
    const { response, isLive } = writer;
    return {
      responseId: response.id,
      model,
      isStream: isLive,
      outcome: error === null ? kind : 'failed',
      error: error?.errorName ?? null,
      ...usage,
      reasoningTokens: response.usage?.output_tokens_details.reasoning_tokens ?? 0,
      firstOutputMs: this.#firstOutputMs,
      durationMs: this.#clock.monotonicMs() - this.#beganMs,
    };
  }
}
