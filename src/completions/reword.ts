import { CodedError } from '../domain/errors.ts';

/** How one API calls what the code that all of them share calls by its Responses name. */
export interface Wording {
  /** The path of the field that the client sent. */
  readonly param: (param: string) => string;
  /** Names within a message, each with what stands for it; earlier ones first. */
  readonly names: readonly (readonly [name: string, own: string])[];
}

/** What a name in a message looks like that is no ordinary word. */
const IS_PATH = /[_.[]/;

/**
 * An error in the words of the API that the client used. The model that does not exist is a 404 on every API but
 * Responses, as on OpenAI's.
 */
export function reword(error: CodedError, { param: rename, names }: Wording): CodedError {
  const param = error.param === null ? null : rename(error.param);
  let { message } = error;
  if (error.param !== null && param !== null && IS_PATH.test(error.param)) {
    message = message.replaceAll(error.param, param);
  }
  for (const [name, own] of names) message = message.replaceAll(name, own);
  return new CodedError(error.errorName === 'model_not_found' ? 'unknown_model' : error.errorName, message, {
    param,
    cause: error.cause,
    ...(error.retryAfterSeconds === null ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
  });
}

/** What `prepare` gives, with its errors in the API's own words. */
export function withWording<T>(wording: Wording, prepare: () => T): T {
  try {
    return prepare();
  } catch (thrown) {
    throw thrown instanceof CodedError ? reword(thrown, wording) : thrown;
  }
}
