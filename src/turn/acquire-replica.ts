import { CodedError } from '../domain/errors.ts';
import type { ModelId } from '../domain/model.ts';
import type { Lease, Pool } from '../pool/pool.ts';
import type { UpstreamFailure } from '../upstream/token-stream.ts';
import { noneLeft } from './retry.ts';

/** What a turn asks of a replica. */
export interface ReplicaWish {
  readonly model: ModelId;
  readonly promptTokens: number;
  /** Null: whatever the context leaves. */
  readonly maxOutputTokens: number | null;
  /** The prompt may be cut to fit: a replica of any size will do. */
  readonly truncate: boolean;
}

/** The attempts so far. */
export interface Tried {
  /** As `replicaKey`. */
  readonly replicas: ReadonlySet<string>;
  readonly lastFailure: UpstreamFailure | null;
}

/**
 * A lease on a replica that can hold prompt and answer and has not failed this turn. Rejects as `Pool.acquire` does,
 * but with the last attempt's failure where no other replica is left: that is what went wrong.
 */
export async function acquireReplica(pool: Pool, wish: ReplicaWish, tried: Tried, signal: AbortSignal): Promise<Lease> {
  const { model, promptTokens, maxOutputTokens, truncate } = wish;
  const need = {
    model,
    promptTokens: truncate ? 1 : promptTokens,
    outputTokens: maxOutputTokens ?? 1,
    exclude: tried.replicas,
  };
  try {
    return await pool.acquire(need, signal);
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    if (thrown.errorName === 'no_replica' && tried.lastFailure) throw noneLeft(tried.lastFailure, tried.replicas.size);
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
