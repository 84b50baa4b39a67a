import type { EngineLogprob } from '../../src/protocol/generate.ts';
import type {
  OpenTokenStream,
  TokenStream,
  TokenStreamEnd,
  TokenStreamRequest,
  UpstreamFailure,
} from '../../src/upstream/token-stream.ts';

export interface RunningTokenStream {
  readonly stream: TokenStream;
  /** What each `onTokens` brought. */
  readonly reads: readonly (readonly number[])[];
  tokenIds(): number[];
  /** All log probabilities that came. */
  readonly logprobs: readonly EngineLogprob[];
  /** Resolves at `onEnd`. */
  readonly end: Promise<TokenStreamEnd>;
  /** Resolves when at least `count` ids have arrived; rejects when the stream ends before. */
  arrived(count: number): Promise<void>;
}

/** Opens a stream and keeps all that it brings. Throws when the listener is called after its end. */
export function runTokenStream(open: OpenTokenStream, request: TokenStreamRequest): RunningTokenStream {
  const reads: (readonly number[])[] = [];
  const logprobs: EngineLogprob[] = [];
  const { promise: end, resolve } = Promise.withResolvers<TokenStreamEnd>();
  const waiters = new Set<() => void>();
  let ended: TokenStreamEnd | null = null;
  const arrivedCount = (): number => reads.reduce((sum, read) => sum + read.length, 0);
  const wake = (): void => waiters.forEach((waiter) => waiter());
  const stream = open(request, {
    onTokens(tokenIds, told) {
      if (ended) throw new Error('tokens after the end');
      reads.push(tokenIds);
      if (told) logprobs.push(...told);
      wake();
    },
    onEnd(value) {
      if (ended) throw new Error('a second end');
      ended = value;
      resolve(value);
      wake();
    },
  });
  return {
    stream,
    reads,
    logprobs,
    tokenIds: () => reads.flat(),
    end,
    arrived: (count) =>
      new Promise((done, fail) => {
        const look = (): void => {
          if (arrivedCount() < count && !ended) return;
          waiters.delete(look);
          if (arrivedCount() >= count) done();
          else fail(new Error(`ended after ${arrivedCount()} ids: ${JSON.stringify(ended)}`));
        };
        waiters.add(look);
        look();
      }),
  };
}

/** Why a stream failed; throws when it did not. */
export function failureOf(end: TokenStreamEnd): UpstreamFailure {
  if (end.kind !== 'failed') throw new Error(`it did not fail: ${JSON.stringify(end)}`);
  return end.failure;
}
