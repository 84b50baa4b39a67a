import { createParser, type Parser } from '../harmony/parse.ts';
import type { FreeText } from '../harmony/structural-tag.ts';
import { FIRST_CONTROL_TOKEN } from '../harmony/tokens.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import { AnswerFilter } from './answer-filter.ts';
import type { OutputListener } from './progress.ts';

const FREE_TEXTS: readonly FreeText[] = ['analysis', 'commentary', 'final'];

/**
 * What is generated, from its tokens to the messages that the listener hears. It is fed token ids and does not care
 * which engine makes them: where another engine goes on, parser, stop strings and half characters go on with it.
 */
export class TurnOutput {
  readonly #vocabulary: Vocabulary;
  readonly #listener: OutputListener;
  readonly #parser: Parser;
  readonly #answer: AnswerFilter;
  readonly #tokenIds: number[] = [];

  constructor(vocabulary: Vocabulary, listener: OutputListener, stop: readonly string[]) {
    this.#vocabulary = vocabulary;
    this.#listener = listener;
    this.#parser = createParser(vocabulary);
    this.#answer = new AnswerFilter(listener, stop);
  }

  /** Every id so far, headers and stop token included: with the prompt before them, what the next id follows. */
  get tokenIds(): readonly number[] {
    return this.#tokenIds;
  }

  /** Something that came out of an engine was handed on: a second start could contradict it. */
  get isHandedOn(): boolean {
    return this.#answer.hasStarted;
  }

  /** The free text in whose middle it stands; null between messages, in headers, and in what is no free text. */
  get openText(): FreeText | null {
    const open = this.#answer.openMessage;
    if (open === null || open.recipient !== null || open.contentType !== null) return null;
    return FREE_TEXTS.find((channel) => channel === open.channel) ?? null;
  }

  /** Takes what one read brought; `enough` when a stop string has ended the answer. */
  push(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): 'more' | 'enough' {
    for (const tokenId of tokenIds) this.#tokenIds.push(tokenId);
    if (logprobs === null) this.#parser.push(tokenIds, this.#answer);
    else tokenIds.forEach((tokenId, index) => this.#pushOne(tokenId, logprobs[index]));
    this.#listener.onBatchEnd();
    return this.#answer.isStopped ? 'enough' : 'more';
  }

  /** The generation is over: what the parser still holds is delivered. */
  finish(): void {
    this.#parser.finish(this.#answer);
    this.#listener.onBatchEnd();
  }

  /** With log probabilities each token goes by itself, so that each text has its own. */
  #pushOne(tokenId: number, logprob: EngineLogprob | undefined): void {
    if (logprob && tokenId < FIRST_CONTROL_TOKEN) {
      this.#answer.addLogprob(logprob, this.#vocabulary.tokenBytes(tokenId).length);
    }
    this.#parser.push([tokenId], this.#answer);
  }
}
