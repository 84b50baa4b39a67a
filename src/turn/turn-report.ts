import type { Caller } from '../domain/caller.ts';
import type { Clock } from '../domain/clock.ts';
import type { CodedError, ErrorName } from '../domain/errors.ts';
import type { ModelId } from '../domain/model.ts';
import type { TurnEnd } from './run-turn.ts';

/** The API that asked for a turn. */
export type Api = 'responses' | 'chat' | 'completions' | 'generate';

/**
 * How one turn ended, for counters, the log and the ledger: numbers and fixed words, and nothing that a client wrote or
 * a model said.
 */
export interface TurnReport {
  /** Of the response, chat completion, completion or generation: names this turn and no other. */
  readonly id: string;
  readonly api: Api;
  readonly caller: Caller;
  readonly model: ModelId;
  readonly isStream: boolean;
  /** `aborted`: the client left before the end. */
  readonly outcome: 'completed' | 'incomplete' | 'failed' | 'aborted';
  /** Of a failed one. */
  readonly error: ErrorName | null;
  /** Whether the engine that was given the turn is the simulator; null where none was. */
  readonly isSimulated: boolean | null;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of the output, as far as its messages were complete. */
  readonly reasoningTokens: number;
  /** From the turn's begin to the first item of the output; null where none began. */
  readonly firstOutputMs: number | null;
  /** From the turn's begin to its end. */
  readonly durationMs: number;
}

/** What is known of a turn before it begins. */
type TurnHead = Pick<TurnReport, 'id' | 'api' | 'caller' | 'model' | 'isStream'>;

/** Takes the times of one turn. */
export class TurnWatch {
  readonly #clock: Clock;
  readonly #head: TurnHead;
  readonly #beganMs: number;
  #firstOutputMs: number | null = null;

  constructor(clock: Clock, head: TurnHead) {
    this.#clock = clock;
    this.#head = head;
    this.#beganMs = clock.monotonicMs();
  }

  readonly onFirstOutput = (): void => {
    this.#firstOutputMs ??= this.#clock.monotonicMs() - this.#beganMs;
  };

  /** Once the turn has ended; `error` is what the client gets. */
  report({ usage, kind, isSimulated }: TurnEnd, reasoningTokens: number, error: CodedError | null): TurnReport {
    return {
      ...this.#head,
      outcome: error === null ? kind : 'failed',
      error: error?.errorName ?? null,
      isSimulated,
      ...usage,
      reasoningTokens,
      firstOutputMs: this.#firstOutputMs,
      durationMs: this.#clock.monotonicMs() - this.#beganMs,
    };
  }
}
