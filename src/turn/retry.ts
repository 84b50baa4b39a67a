import { isContextOverflow } from '../upstream/failure.ts';
import type { UpstreamFailure } from '../upstream/token-stream.ts';
import { CodedError } from '../domain/errors.ts';

/** A first try and two moves: after three replicas failed the same request, the request is the likelier culprit. */
const MAX_ATTEMPTS = 3;

export type AfterFailure =
  { readonly kind: 'retry'; readonly reason: string } | { readonly kind: 'give_up'; readonly error: CodedError };

/**
 * What to do after a failed attempt. A move to another replica is free until somebody has seen something that came out
 * of an engine; after that, a second start could contradict what the client already has.
 */
export function afterFailure(failure: UpstreamFailure, attempts: number, outputSeen: boolean): AfterFailure {
  if (failure.reason === 'rejected') return { kind: 'give_up', error: rejection(failure) };
  if (outputSeen) {
    return {
      kind: 'give_up',
      error: failed(`The engine failed in the middle of the answer: ${failure.message}`, failure),
    };
  }
  if (attempts >= MAX_ATTEMPTS) {
    return {
      kind: 'give_up',
      error: failed(`${attempts} engines failed this request, the last: ${failure.message}`, failure),
    };
  }
  return { kind: 'retry', reason: `${failure.reason}: ${failure.message}` };
}

/** What to say when attempts have failed, `failure` being the last, and there is no replica for another. */
export function noneLeft(failure: UpstreamFailure, attempts: number): CodedError {
  const said =
    attempts === 1
      ? 'The engine failed this request and no other is left'
      : `${attempts} engines failed this request and no other is left, the last`;
  return failed(`${said}: ${failure.message}`, failure);
}

function failed(message: string, cause: UpstreamFailure): CodedError {
  return new CodedError('engine_failed', message, { cause });
}

function rejection(failure: UpstreamFailure): CodedError {
  if (isContextOverflow(failure)) return new CodedError('context_length_exceeded', failure.message, { cause: failure });
  return new CodedError('invalid_value', `The engine refused the request: ${failure.message}`, { cause: failure });
}
