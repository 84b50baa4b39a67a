import { createParser, type Parser } from '../harmony/parse.ts';
import type { FreeText } from '../harmony/structural-tag.ts';
import { FIRST_CONTROL_TOKEN } from '../harmony/tokens.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import { AnswerFilter } from './answer-filter.ts';
import type { OutputListener } from './progress.ts';
import type { TurnOutput } from './turn-output.ts';

const FREE_TEXTS: readonly FreeText[] = ['analysis', 'commentary', 'final'];

/** Reads harmony's messages, and ends the answer at a stop string. */
export class MessageOutput implements TurnOutput {
  readonly #vocabulary: Vocabulary;
  readonly #listener: OutputListener;
  readonly #parser: Parser;
  readonly #answer: AnswerFilter;
  readonly #mayStop: boolean;
  readonly #tokenIds: number[] = [];

  constructor(vocabulary: Vocabulary, listener: OutputListener, stop: readonly string[]) {
    this.#vocabulary = vocabulary;
    this.#listener = listener;
    this.#parser = createParser(vocabulary);
    this.#answer = new AnswerFilter(listener, stop);
    this.#mayStop = stop.length > 0;
  }

  get tokenIds(): readonly number[] {
    return this.#tokenIds;
  }

  get isHandedOn(): boolean {
    return this.#answer.hasStarted;
  }

  get openText(): FreeText | null {
    const open = this.#answer.openMessage;
    if (open === null || open.recipient !== null || open.contentType !== null) return null;
    return FREE_TEXTS.find((channel) => channel === open.channel) ?? null;
  }

  push(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): 'more' | 'enough' {
    if (logprobs === null && !this.#mayStop) {
      for (const tokenId of tokenIds) this.#tokenIds.push(tokenId);
      this.#parser.push(tokenIds, this.#answer);
    } else {
      for (let at = 0; at < tokenIds.length && !this.#answer.isStopped; at++) {
        this.#pushOne(tokenIds[at] ?? 0, logprobs?.[at]);
      }
    }
    this.#listener.onBatchEnd();
    return this.#answer.isStopped ? 'enough' : 'more';
  }

  finish(): void {
    this.#parser.finish(this.#answer);
    this.#listener.onBatchEnd();
  }

  /**
   * With log probabilities each token goes by itself, so that each text has its own; and with stop strings, so that the
   * token that completes one is the last, however many came with it in one read.
   */
  #pushOne(tokenId: number, logprob: EngineLogprob | undefined): void {
    this.#tokenIds.push(tokenId);
    if (logprob && tokenId < FIRST_CONTROL_TOKEN) {
      this.#answer.addLogprob(logprob, this.#vocabulary.tokenBytes(tokenId).length);
    }
    this.#parser.push([tokenId], this.#answer);
  }
}
