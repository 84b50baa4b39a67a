import type { Secret } from '../domain/secret.ts';
import type { Lease } from '../pool/pool.ts';
import type { EngineLogprob, EngineSampling } from '../protocol/generate.ts';
import type { OpenTokenStream, TokenStream, TokenStreamEnd } from '../upstream/token-stream.ts';

/** A valve between the client's socket and whichever engine stream feeds it now. */
export class Flow {
  #stream: Pick<TokenStream, 'pause' | 'resume'> | null = null;
  #paused = false;

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  /** The stream that the valve acts on from now; null between attempts. */
  attach(stream: Pick<TokenStream, 'pause' | 'resume'> | null): void {
    this.#stream = stream;
    if (this.#paused) stream?.pause();
  }
}

export interface Attempt {
  readonly lease: Lease;
  readonly promptTokenIds: readonly number[];
  readonly sampling: EngineSampling;
  readonly requestId: string;
  readonly cacheSalt: string | null;
  readonly authorization: Secret | null;
  /** Takes the next ids and says whether the answer is complete, in which case the engine's work ends. */
  readonly onTokens: (tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null) => 'more' | 'enough';
}

/** The client is gone: nobody waits for an answer any more. */
export type AttemptEnd = TokenStreamEnd | { readonly kind: 'aborted' };

/**
 * One generation on the leased replica, from its first byte to its end. Resolves, never rejects:
 * as `aborted` when `signal` aborts, as a failure when the pool closes the lease.
 */
export function runAttempt(
  openTokenStream: OpenTokenStream,
  attempt: Attempt,
  flow: Flow,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const { lease, promptTokenIds, sampling, requestId, cacheSalt, authorization, onTokens } = attempt;
  return new Promise((resolve) => {
    const settle = (end: AttemptEnd): void => {
      signal.removeEventListener('abort', onAbort);
      lease.onClose = null;
      flow.attach(null);
      resolve(end);
    };
    const onAbort = (): void => {
      stream.abort();
      settle({ kind: 'aborted' });
    };
    const onClose: Lease['onClose'] = (reason, message) => {
      stream.abort();
      settle({ kind: 'failed', failure: { reason, message, status: null } });
    };
    lease.onClose = onClose;
    signal.addEventListener('abort', onAbort, { once: true });
    const stream = openTokenStream(
      { replica: lease.replica, promptTokenIds, sampling, requestId, cacheSalt, authorization },
      {
        onTokens: (tokenIds, logprobs) => {
          lease.noteRead();
          if (onTokens(tokenIds, logprobs) === 'more') return;
          stream.abort();
          settle({ kind: 'finished', finishReason: 'stop', usage: null });
        },
        onEnd: settle,
      },
    );
    flow.attach({
      pause: () => {
        lease.waitsForClient = true;
        stream.pause();
      },
      resume: () => {
        lease.waitsForClient = false;
        stream.resume();
      },
    });
    if (signal.aborted) onAbort();
  });
}
