import { createParser, type ParserSink } from '../harmony/parse.ts';
import { FIRST_CONTROL_TOKEN } from '../harmony/tokens.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineLogprob, EngineUsage } from '../protocol/generate.ts';
import type { Attempt } from './attempt.ts';
import { StopStrings } from './stop-strings.ts';

/** Hears the model's messages as they are generated, in order, synchronously. */
export interface TurnListener extends ParserSink {
  /** Log probabilities of the answer's next tokens, before the text that they make; only where they were asked for. */
  onLogprobs(logprobs: readonly EngineLogprob[]): void;
  /** What one read from the engine brought has been delivered: a good moment for one write. */
  onBatchEnd(): void;
}

export interface TurnUsage {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Every id generated, headers and stop token included. */
  readonly outputTokens: number;
}

/** What a turn has produced so far: counts, and whether anything reached the listener. */
export class Progress {
  inputTokens = 0;
  /** Something that came out of an engine was handed on: a second start could contradict it. */
  outputHandedOn = false;
  #outputTokens = 0;
  #finishParser: () => void = () => {};
  readonly #vocabulary: Vocabulary;
  readonly #listener: TurnListener;
  readonly #stop: readonly string[];

  constructor(vocabulary: Vocabulary, listener: TurnListener, stop: readonly string[]) {
    this.#vocabulary = vocabulary;
    this.#listener = listener;
    this.#stop = stop;
  }

  /** A fresh parser for a fresh generation; returns where its tokens go. */
  startAttempt(): Attempt['onTokens'] {
    const parser = createParser(this.#vocabulary);
    const stops = this.#stop.length === 0 ? null : new StopStrings(this.#listener, this.#stop);
    const channel = new AnswerWatch(stops ?? this.#listener, () => (this.outputHandedOn = true));
    this.#outputTokens = 0;
    this.#finishParser = () => {
      parser.finish(channel);
      this.#listener.onBatchEnd();
    };
    return (tokenIds, logprobs) => {
      this.#outputTokens += tokenIds.length;
      if (logprobs === null) parser.push(tokenIds, channel);
      else tokenIds.forEach((tokenId, index) => this.#pushOne(tokenId, logprobs[index], { parser, channel }));
      this.#listener.onBatchEnd();
      return stops?.stopped ? 'enough' : 'more';
    };
  }

  /** The generation is over: what the parser still holds is delivered. */
  finish(): void {
    this.#finishParser();
  }

  /** The engine's own counts where it gave them, ours otherwise: they are the same. */
  usage(engine: EngineUsage | null): TurnUsage {
    return {
      inputTokens: engine?.prompt_tokens ?? this.inputTokens,
      cachedTokens: engine?.prompt_tokens_details?.cached_tokens ?? 0,
      outputTokens: engine?.completion_tokens ?? this.#outputTokens,
    };
  }

  /** With log probabilities each token goes by itself, so that its entry comes just before its text. */
  #pushOne(
    tokenId: number,
    logprob: EngineLogprob | undefined,
    { parser, channel }: { parser: ReturnType<typeof createParser>; channel: AnswerWatch },
  ): void {
    if (logprob && channel.inAnswer && tokenId < FIRST_CONTROL_TOKEN) this.#listener.onLogprobs([logprob]);
    parser.push([tokenId], channel);
  }
}

/** Passes everything on, and knows whether the answer is being written. */
class AnswerWatch implements ParserSink {
  inAnswer = false;
  readonly #next: ParserSink;
  readonly #onOutput: () => void;

  constructor(next: ParserSink, onOutput: () => void) {
    this.#next = next;
    this.#onOutput = onOutput;
  }

  onMessageStart(...[header]: Parameters<ParserSink['onMessageStart']>): void {
    this.inAnswer = header.channel === 'final' && header.recipient === null;
    this.#onOutput();
    this.#next.onMessageStart(header);
  }

  onText(text: string): void {
    this.#next.onText(text);
  }

  onMessageEnd(...[end]: Parameters<ParserSink['onMessageEnd']>): void {
    this.inAnswer = false;
    this.#next.onMessageEnd(end);
  }
}
