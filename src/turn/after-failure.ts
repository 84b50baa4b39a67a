import { isContextOverflow } from '../upstream/failure.ts';
import type { UpstreamFailure } from '../upstream/token-stream.ts';
import { CodedError } from '../domain/errors.ts';

/** A first try and two moves: after three replicas failed the same request, the request is the likelier culprit. */
const MAX_ATTEMPTS = 3;

/** What a client is told to wait for a busy engine that named no time, and at most: as long as such an engine rests. */
const BUSY_SECONDS = 1;
const MAX_BUSY_SECONDS = 60;

/** Where a turn stood when its attempt failed. */
export interface Situation {
  /** Engines that failed it so far, this one included; those that were stopped by order do not count. */
  readonly attempts: number;
  /** Ids that are kept so far, of this attempt and of those that it went on from. */
  readonly outputTokens: number;
  /** The generation was complete and only its end was lost (`lostEnd`); null where more was to come. */
  readonly lostEnd: 'stop' | 'length' | null;
  /** Why no other engine can go on from here (`continuationObstacle`); null where one can. */
  readonly obstacle: string | null;
  /** Somebody has seen what came out of an engine: a second start could contradict it. */
  readonly isSeen: boolean;
}

/**
 * `finish`: nothing was missing. `move`: another replica goes on where this one stopped. `retry`: another replica begins
 * anew.
 */
export type NextStep =
  | { readonly kind: 'finish'; readonly finishReason: 'stop' | 'length' }
  | { readonly kind: 'move' | 'retry' }
  | { readonly kind: 'give_up'; readonly error: CodedError };

/**
 * What to do after a failed attempt. Where another replica can go on it does, whether somebody sees the tokens come or
 * not: one rule, and the work of the first engine is not lost. Where it cannot, the answer is begun anew as long as
 * nobody has seen anything of it.
 */
export function afterFailure(failure: UpstreamFailure, situation: Situation): NextStep {
  const { attempts, outputTokens, lostEnd, obstacle, isSeen } = situation;
  if (lostEnd !== null) return { kind: 'finish', finishReason: lostEnd };
  if (failure.reason === 'rejected') return giveUp(rejection(failure));
  if (attempts >= MAX_ATTEMPTS && failure.reason !== 'closed') {
    return giveUp(failed(`${attempts} engines failed this request, the last: ${failure.message}`, failure));
  }
  if (obstacle === null) return { kind: outputTokens > 0 ? 'move' : 'retry' };
  if (!isSeen) return { kind: 'retry' };
  const said = 'The engine failed in the middle of the answer, and no other one can go on with the request:';
  return giveUp(failed(`${said} ${obstacle}. The failure: ${failure.message}`, failure));
}

/** An attempt that did not bring its answer to the end. */
export interface FailedAttempt {
  readonly engineId: string;
  readonly cause: UpstreamFailure['reason'];
  /** The HTTP status, where there was one. */
  readonly status: number | null;
  /** `moved`: another engine goes on after `outputTokens`; `retried`: another engine begins anew. */
  readonly outcome: 'moved' | 'retried' | 'given_up';
  /** Ids of the answer until then, those of earlier attempts that it went on from included. */
  readonly outputTokens: number;
  /** Of a request that is refused from now on because engines end under it, as `contentHash`; null for every other. */
  readonly suspectHash: string | null;
  /** What went wrong, in words that may be the engine's and quote the request: for its client, not for a log. */
  readonly reason: string;
}

/** The same, for logs and counters. */
export interface AttemptFailed extends FailedAttempt {
  readonly requestId: string;
}

/** What to say when attempts have failed, `failure` being the last, and there is no replica for another. */
export function noneLeft(failure: UpstreamFailure, attempts: number): CodedError {
  if (failure.reason === 'closed') {
    const message = `The answer was not finished in time, and no other engine is left to go on with it: ${failure.message}`;
    return new CodedError('no_replica', message, { cause: failure });
  }
  const what = failure.reason === 'busy' ? 'is too busy for' : 'failed';
  const said =
    attempts === 1
      ? `The engine ${what} this request and no other is left`
      : `${attempts} engines failed this request and no other is left, the last`;
  return failed(`${said}: ${failure.message}`, failure);
}

const giveUp = (error: CodedError): NextStep => ({ kind: 'give_up', error });

/** A refusal by load is no failure: the same request may be sent again in a while. */
function failed(message: string, cause: UpstreamFailure): CodedError {
  if (cause.reason === 'busy') {
    const seconds = cause.retryAfterMs === undefined ? BUSY_SECONDS : Math.ceil(cause.retryAfterMs / 1000);
    return new CodedError('engine_busy', message, { cause, retryAfterSeconds: Math.min(seconds, MAX_BUSY_SECONDS) });
  }
  return new CodedError('engine_failed', message, { cause });
}

function rejection(failure: UpstreamFailure): CodedError {
  if (isContextOverflow(failure)) return new CodedError('context_length_exceeded', failure.message, { cause: failure });
  return new CodedError('invalid_value', `The engine refused the request: ${failure.message}`, { cause: failure });
}
