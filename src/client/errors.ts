/** What can go wrong in this library itself; a server's errors are the `openai` package's `APIError`. */
export type LMErrorCode =
  /** An option or a variable has a value that means nothing, or options contradict each other. */
  | 'invalid_options'
  /** Harmony mode: the id of a response that this LM and its forks did not make, or made too long ago. */
  | 'unknown_response'
  /** The server answered, and says that the model did not. */
  | 'response_failed'
  /** The answer ended before it was whole. */
  | 'stream_cut'
  /** The answer is not of the format that was asked for. */
  | 'invalid_structured_output';

/** An error of this library. `text` is the answer that is at fault, where there is one. */
export class LMError extends Error {
  readonly code: LMErrorCode;
  readonly text: string | null;

  constructor(code: LMErrorCode, message: string, details: { readonly text?: string; readonly cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LMError';
    this.code = code;
    this.text = details.text ?? null;
  }
}
