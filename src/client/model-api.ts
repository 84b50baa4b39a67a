import type OpenAI from 'openai';
import type { LMMessage } from './messages.ts';
import type { GenerationOptions } from './options.ts';
import type { LMDelta, Reply } from './result.ts';
import type { OutputFormat } from './structured-output.ts';

/** One call, all defaults applied. */
export interface ModelCall {
  readonly model: string;
  readonly messages: readonly LMMessage[];
  /** The response to go on from; APIs without such a thing ignore it. */
  readonly previousResponseId: string | null;
  readonly generation: GenerationOptions;
  readonly format: OutputFormat | null;
  readonly signal: AbortSignal | null;
}

/** Hears the pieces of an answer in order. */
export type OnDelta = (delta: LMDelta) => void;

/** One of the APIs that a model can be asked by. */
export interface ModelApi {
  /**
   * Asks the model. With `onDelta` the answer is streamed, and its texts of one phase add up to that part of it.
   * Rejects with an `LMError` or an `APIError` of the `openai` package; once its signal has aborted, with anything.
   */
  call(call: ModelCall, onDelta: OnDelta | null): Promise<Reply>;
}

/** What goes with a request beside its body. */
export const requestOptions = ({ signal }: ModelCall): OpenAI.RequestOptions => (signal === null ? {} : { signal });
