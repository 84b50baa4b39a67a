import { createDecoder, type Decoder } from '../harmony/decode.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { TokenListener } from './progress.ts';
import { StopStrings } from './stop-strings.ts';
import type { TurnOutput } from './turn-output.ts';

/** Hands on the ids as they are. A stop string ends them with the token that brings it, which is the last one. */
export class TokenOutput implements TurnOutput {
  readonly openText = null;
  readonly #listener: TokenListener;
  readonly #decoder: Decoder;
  /** Null where no string ends the output: then no token is decoded. */
  readonly #stops: StopStrings | null;
  readonly #tokenIds: number[] = [];

  constructor(vocabulary: Vocabulary, listener: TokenListener, stop: readonly string[]) {
    this.#listener = listener;
    this.#decoder = createDecoder(vocabulary);
    this.#stops = stop.length === 0 ? null : new StopStrings(stop);
  }

  get tokenIds(): readonly number[] {
    return this.#tokenIds;
  }

  get isHandedOn(): boolean {
    return this.#tokenIds.length > 0;
  }

  push(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): 'more' | 'enough' {
    const end = this.#stops === null ? tokenIds.length : this.#stopWithin(tokenIds, this.#stops);
    for (let at = 0; at < end; at++) this.#tokenIds.push(tokenIds[at] ?? 0);
    if (end === tokenIds.length) this.#listener.onTokens(tokenIds, logprobs);
    else this.#listener.onTokens(tokenIds.slice(0, end), logprobs?.slice(0, end) ?? null);
    return this.#stops?.isFound === true ? 'enough' : 'more';
  }

  finish(): void {}

  /** How many of the ids there are up to the one that completes a stop string. */
  #stopWithin(tokenIds: readonly number[], stops: StopStrings): number {
    for (let at = 0; at < tokenIds.length; at++) {
      stops.push(this.#decoder.push(tokenIds, at, at + 1));
      if (stops.isFound) return at + 1;
    }
    return tokenIds.length;
  }
}
