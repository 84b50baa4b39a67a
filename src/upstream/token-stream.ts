import type { EngineLogprob, EngineSampling, EngineUsage } from '../protocol/generate.ts';
import type { Replica } from '../domain/replica.ts';
import type { Secret } from '../domain/secret.ts';

/** One generation on one replica: token ids in, token ids out. */
export interface TokenStreamRequest {
  readonly replica: Replica;
  readonly promptTokenIds: readonly number[];
  readonly sampling: EngineSampling;
  /** Becomes the engine's request id, for its log; printable ASCII. */
  readonly requestId: string;
  /** Keeps the prefix cache of one project from answering for another; null for none. */
  readonly cacheSalt: string | null;
  /** The caller's `Authorization` header, for an engine that is to have it; null or absent: there is none. */
  readonly authorization?: Secret | null;
}

/**
 * Called in order, in the tick of the socket's read and never before `openTokenStream` has returned: any number of
 * `onTokens`, then exactly one `onEnd`, and nothing after it. After `abort()` nothing is called any more; it, `pause()` and
 * `resume()` may be called from within.
 */
export interface TokenStreamListener {
  /**
   * The ids that one read of the socket brought (at least one), the stop token included. `logprobs` goes in step with
   * them where the request asked for log probabilities and the route tells them, and is null otherwise.
   */
  onTokens(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): void;
  onEnd(end: TokenStreamEnd): void;
}

export type TokenStreamEnd =
  | { readonly kind: 'finished'; readonly finishReason: 'stop' | 'length'; readonly usage: EngineUsage | null }
  | { readonly kind: 'failed'; readonly failure: UpstreamFailure };

/**
 * Why an attempt failed: `unreachable` (no connection), `cut` (the connection ended early, or brought what is no HTTP
 * response), `stalled` (no byte within the deadline, or an engine without progress), `engine_error` (an error frame, finish reason `abort`, or a frame
 * that makes no sense), `unavailable` (an error status in place of a stream), `busy` (429, or 503 of a full queue),
 * `rejected` (400, 413, 422: the request is at fault and another replica would say the same), `closed` (on this side: the
 * engine is to have no streams any more).
 */
export interface UpstreamFailure {
  readonly reason: 'unreachable' | 'cut' | 'stalled' | 'engine_error' | 'unavailable' | 'busy' | 'rejected' | 'closed';
  readonly message: string;
  readonly status: number | null;
  /** A `busy` engine's `Retry-After`; absent where it named none. */
  readonly retryAfterMs?: number;
}

export interface TokenStream {
  /** Closes the connection, which ends the generation in the engine within about 50 ms. Idempotent. */
  abort(): void;
  /** Stops reading, so that a slow client slows the engine's sender; what is already read may still arrive. */
  pause(): void;
  resume(): void;
}

/** Opens a stream on the route that the replica offers. Never throws: a failure to connect arrives as `onEnd`. */
export type OpenTokenStream = (request: TokenStreamRequest, listener: TokenStreamListener) => TokenStream;
