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
  readonly #tokenIds: number[] = [];

  constructor(vocabulary: Vocabulary, listener: TextListener, stop: readonly string[]) {
    this.#vocabulary = vocabulary;
    this.#listener = listener;
    this.#decoder = createDecoder(vocabulary);
    this.#text = new AnswerText(listener, stop);
  }

  get tokenIds(): readonly number[] {
    return this.#tokenIds;
  }

  get isHandedOn(): boolean {
    return this.#tokenIds.length > 0;
  }

  push(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): 'more' | 'enough' {
    for (const tokenId of tokenIds) this.#tokenIds.push(tokenId);
    this.#listener.onTokens(tokenIds);
    if (logprobs === null) this.#text.push(this.#decoder.push(tokenIds));
    else tokenIds.forEach((tokenId, index) => this.#pushOne(tokenId, logprobs[index]));
    this.#listener.onBatchEnd();
    return this.#text.isStopped ? 'enough' : 'more';
  }

  finish(): void {
    if (!this.#text.isStopped) this.#text.flush();
    this.#listener.onBatchEnd();
  }

  #pushOne(tokenId: number, logprob: EngineLogprob | undefined): void {
    if (this.#text.isStopped) return;
    if (logprob) this.#text.addLogprob(logprob, this.#vocabulary.tokenLength(tokenId));
    this.#text.push(this.#decoder.push([tokenId]));
  }
}
