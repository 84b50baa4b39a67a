import type { OnDelta } from './model-api.ts';
import type { LMDelta, LMResult } from './result.ts';

/** What a stream gives: the pieces of an answer, and as the last thing the whole of it. */
export type LMStreamEvent<T = unknown> = LMDelta | { readonly type: 'result'; readonly result: LMResult<T> };

/**
 * An answer as it comes. It comes whether it is read or not, so that a stream that nobody reads holds up nothing.
 * Reading can begin late and more than once, and gives all events each time; to leave a loop early ends the call.
 */
export class LMStream<T = unknown> implements AsyncIterable<LMStreamEvent<T>> {
  /** The whole answer; rejects as reading does. */
  readonly result: Promise<LMResult<T>>;
  readonly #stop = new AbortController();
  readonly #events: LMStreamEvent<T>[] = [];
  #isOver = false;
  #news = Promise.withResolvers<void>();

  /** `run` makes the answer, tells its pieces, and rejects with the reason of its signal. */
  constructor(run: (onDelta: OnDelta, signal: AbortSignal) => Promise<LMResult<T>>, signal: AbortSignal | undefined) {
    const signals = signal === undefined ? [] : [signal];
    this.result = run((delta) => this.#add(delta), AbortSignal.any([this.#stop.signal, ...signals])).then((result) => {
      this.#add({ type: 'result', result });
      return result;
    });
    const end = (): void => {
      this.#isOver = true;
      this.#tell();
    };
    // Who reads hears of the failure there; who does neither does not care.
    this.result.then(end, end);
  }

  /** Ends the call; whoever waits for it gets an `AbortError`. Harmless afterwards. */
  abort(): void {
    this.#stop.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LMStreamEvent<T>, void> {
    try {
      for (let next = 0; !this.#isOver || next < this.#events.length;) {
        const event = this.#events[next];
        if (event === undefined) await this.#news.promise;
        else {
          next++;
          yield event;
        }
      }
      await this.result;
    } finally {
      if (!this.#isOver) this.abort();
    }
  }

  #add(event: LMStreamEvent<T>): void {
    this.#events.push(event);
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
