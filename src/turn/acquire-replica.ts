import { CodedError, type ErrorName } from '../domain/errors.ts';
import type { ModelId } from '../domain/model.ts';
import type { Lease, Pool } from '../pool/pool.ts';
import type { UpstreamFailure } from '../upstream/token-stream.ts';
import { noneLeft } from './after-failure.ts';

/** What a turn asks of a replica. */
export interface ReplicaWish {
  readonly model: ModelId;
  /** With what is generated already, where the replica is to go on. */
  readonly promptTokens: number;
  /** Null: whatever the context leaves. */
  readonly maxOutputTokens: number | null;
  /** The prompt may be cut to fit: a replica of any size will do. */
  readonly truncate: boolean;
  /** As `Need`. */
  readonly isSuspect: boolean;
}

/** The attempts so far. */
export interface Tried {
  /** As `replicaKey`. */
  readonly replicas: ReadonlySet<string>;
  readonly lastFailure: UpstreamFailure | null;
}

/** The replicas that failed the turn could hold it: one that is too small for it is no better than none. */
const NONE_LEFT: ReadonlySet<ErrorName> = new Set(['no_replica', 'context_length_exceeded']);

/**
 * A lease on a replica that can hold prompt and answer and has not failed this turn. Rejects as `Pool.acquire` does,
 * but with the last attempt's failure where no other replica is left: that is what went wrong.
 */
export async function acquireReplica(pool: Pool, wish: ReplicaWish, tried: Tried, signal: AbortSignal): Promise<Lease> {
  const { model, promptTokens, maxOutputTokens, truncate, isSuspect } = wish;
  const need = {
    model,
    promptTokens: truncate ? 1 : promptTokens,
    outputTokens: maxOutputTokens ?? 1,
    exclude: tried.replicas,
    isSuspect,
  };
  try {
    return await pool.acquire(need, signal);
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    const { lastFailure, replicas } = tried;
    if (lastFailure && NONE_LEFT.has(thrown.errorName)) throw noneLeft(lastFailure, replicas.size);
    if (thrown.errorName === 'context_length_exceeded' && truncate) throw outputTooLong(pool, wish, thrown);
    throw thrown;
  }
}

/** The prompt can be cut to nearly nothing: what does not fit is the answer. */
function outputTooLong(pool: Pool, { model, maxOutputTokens }: ReplicaWish, cause: CodedError): CodedError {
  const contextTokens = pool.anyReady(model)?.maxModelLen;
  if (contextTokens === undefined) return cause;
  const message =
    `max_output_tokens asks for ${maxOutputTokens} tokens and the context window of ${model} here has ${contextTokens}, ` +
    `for input and output together. Lower max_output_tokens to less than ${contextTokens}.`;
  return new CodedError('context_length_exceeded', message, { param: 'max_output_tokens', cause });
}
