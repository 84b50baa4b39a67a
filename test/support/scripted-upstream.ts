import type {
  OpenTokenStream,
  TokenStreamEnd,
  TokenStreamListener,
  TokenStreamRequest,
  UpstreamFailure,
} from '../../src/upstream/token-stream.ts';

/** One opened stream, driven by the test as an engine would. */
export interface ScriptedStream {
  readonly request: TokenStreamRequest;
  readonly tokens: (...tokenIds: readonly number[]) => void;
  readonly tokensWithLogprobs: TokenStreamListener['onTokens'];
  readonly end: (end: TokenStreamEnd) => void;
  aborted: boolean;
  paused: boolean;
}

/** An upstream whose streams say what the test makes them say. */
export class ScriptedUpstream {
  readonly #waiting: ((stream: ScriptedStream) => void)[] = [];
  readonly #opened: ScriptedStream[] = [];

  readonly open: OpenTokenStream = (request, listener) => {
    const stream = scriptedStream(request, listener);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(stream);
    else this.#opened.push(stream);
    return {
      abort: () => void (stream.aborted = true),
      pause: () => void (stream.paused = true),
      resume: () => void (stream.paused = false),
    };
  };

  /** The next stream that is opened, or one that is open and was not taken yet. */
  next(): Promise<ScriptedStream> {
    const opened = this.#opened.shift();
    return opened ? Promise.resolve(opened) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function scriptedStream(request: TokenStreamRequest, listener: TokenStreamListener): ScriptedStream {
  return {
    request,
    tokens: (...tokenIds) => listener.onTokens(tokenIds, null),
    tokensWithLogprobs: (tokenIds, logprobs) => listener.onTokens(tokenIds, logprobs),
    end: (end) => listener.onEnd(end),
    aborted: false,
    paused: false,
  };
}

export const finished = (finishReason: 'stop' | 'length' = 'stop'): TokenStreamEnd => ({
  kind: 'finished',
  finishReason,
  usage: null,
});

export const failed = (reason: UpstreamFailure['reason']): TokenStreamEnd => ({
  kind: 'failed',
  failure: { reason, message: 'scripted', status: null },
});
