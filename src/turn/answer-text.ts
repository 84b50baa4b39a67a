import type { EngineLogprob } from '../protocol/generate.ts';
import { AnswerLogprobs } from './answer-logprobs.ts';
import { StopStrings } from './stop-strings.ts';

/** Where the text of an answer goes. */
export interface TextSink {
  /** Log probabilities of the next tokens, before the text that they make. */
  onLogprobs(logprobs: readonly EngineLogprob[]): void;
  /** Never empty. */
  onText(text: string): void;
}

/** Ends a text before the first of some strings and puts log probabilities before the text that they belong to. */
export class AnswerText {
  readonly #sink: TextSink;
  readonly #stops: StopStrings;
  readonly #logprobs = new AnswerLogprobs();

  constructor(sink: TextSink, stop: readonly string[]) {
    this.#sink = sink;
    this.#stops = new StopStrings(stop);
  }

  /** A stop string has come: nothing more is to be pushed. */
  get isStopped(): boolean {
    return this.#stops.isFound;
  }

  /** The log probability of the next token, whose text has so many bytes; before the text. */
  addLogprob(logprob: EngineLogprob, byteCount: number): void {
    this.#logprobs.add(logprob, byteCount);
  }

  /** The tokens that were told of have made no text of the answer. */
  dropLogprobs(): void {
    this.#logprobs.clear();
  }

  push(text: string): void {
    this.#logprobs.announce(text);
    this.#handOn(this.#stops.push(text));
  }

  /** The text is over: what was held back is passed on. */
  flush(): void {
    this.#handOn(this.#stops.flush());
    this.#logprobs.clear();
  }

  #handOn(text: string): void {
    if (text === '') return;
    const logprobs = this.#logprobs.take(text);
    if (logprobs.length > 0) this.#sink.onLogprobs(logprobs);
    this.#sink.onText(text);
  }
}
