/** What a log keeps of an error. */
interface DescribedError {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  /** Where it was thrown, a place a line. */
  readonly stack: string;
  readonly cause?: DescribedError;
}

/** An error may even name itself as its cause. */
const MAX_CAUSES = 3;

/** As V8 spells it: `    at name (file:///…:1:2)`. */
const PLACE = /^ {4}at (?:.{1,200} \()?(?:file:\/\/|node:|\/).{1,400}:\d+:\d+\)?$/;

/**
 * An error as it may stand in a log: its type, code, places and causes. Its message only where it is the platform's own
 * about a file, a socket or a process (`syscall`): any other may quote what was being read, as those of `JSON.parse` do,
 * and a client's words do not belong in a log.
 */
export function describeError(error: unknown): DescribedError {
  return describe(error, MAX_CAUSES);
}

function describe(error: unknown, causesLeft: number): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, stack: '' };
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('syscall' in error ? { message: error.message } : {}),
    stack: placesOf(error),
    ...(error.cause === undefined || causesLeft === 0 ? {} : { cause: describe(error.cause, causesLeft - 1) }),
  };
}

/** A stack begins with the message, over as many lines as that has; one that looks like a place is none. */
function placesOf({ stack = '', message }: Error): string {
  const lines = stack.replace(message, '').split('\n');
  return lines
    .filter((line) => PLACE.test(line))
    .map((line) => line.trim())
    .join('\n');
}
