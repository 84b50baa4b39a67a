import { createDecoder, type Decoder } from '../harmony/decode.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import { AnswerText } from './answer-text.ts';
import type { TextListener } from './progress.ts';
import type { TurnOutput } from './turn-output.ts';

/**
 * Reads plain text: whole characters, whatever tokens they are cut into, up to a stop string. Control tokens have no
 * text, as where vLLM skips special tokens, which is its default.
 */
export class TextOutput implements TurnOutput {
  readonly openText = null;
  readonly #vocabulary: Vocabulary;
  readonly #listener: TextListener;
  readonly #decoder: Decoder;
  readonly #text: AnswerText;
  readonly #mayStop: boolean;
  readonly #tokenIds: number[] = [];

  constructor(vocabulary: Vocabulary, listener: TextListener, stop: readonly string[]) {
    this.#vocabulary = vocabulary;
    this.#listener = listener;
    this.#decoder = createDecoder(vocabulary);
    this.#text = new AnswerText(listener, stop);
    this.#mayStop = stop.length > 0;
  }

  get tokenIds(): readonly number[] {
    return this.#tokenIds;
  }

  get isHandedOn(): boolean {
    return this.#tokenIds.length > 0;
  }

  push(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): 'more' | 'enough' {
    if (logprobs === null && !this.#mayStop) this.#pushAll(tokenIds);
    else for (let at = 0; at < tokenIds.length && !this.#text.isStopped; at++) this.#pushOne(tokenIds, at, logprobs);
    this.#listener.onBatchEnd();
    return this.#text.isStopped ? 'enough' : 'more';
  }

  finish(): void {
    if (!this.#text.isStopped) this.#text.flush();
    this.#listener.onBatchEnd();
  }

  #pushAll(tokenIds: readonly number[]): void {
    for (const tokenId of tokenIds) this.#tokenIds.push(tokenId);
    this.#listener.onTokens(tokenIds);
    this.#text.push(this.#decoder.push(tokenIds));
  }

  /** The token that completes a stop string is the last one, however many came with it in one read. */
  #pushOne(tokenIds: readonly number[], at: number, logprobs: readonly EngineLogprob[] | null): void {
    const tokenId = tokenIds[at] ?? 0;
    const logprob = logprobs?.[at];
    this.#tokenIds.push(tokenId);
    this.#listener.onTokens([tokenId]);
    if (logprob) this.#text.addLogprob(logprob, this.#vocabulary.tokenLength(tokenId));
    this.#text.push(this.#decoder.push([tokenId]));
  }
}
