import type { FreeText } from '../harmony/structural-tag.ts';
import type { EngineLogprob } from '../protocol/generate.ts';

/**
 * What is generated, from its tokens to what the listener hears. It is fed token ids and does not care which engine
 * makes them: where another engine goes on, parser, stop strings and half characters go on with it.
 */
export interface TurnOutput {
  /** Every id so far, headers and stop token included: with the prompt before them, what the next id follows. */
  readonly tokenIds: readonly number[];
  /** Something that came out of an engine was handed on: a second start could contradict it. */
  readonly isHandedOn: boolean;
  /** The free text in whose middle it stands; null between messages, in headers, and in what is no free text. */
  readonly openText: FreeText | null;
  /** Takes what one read brought; `enough` when a stop string has ended the answer. */
  push(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): 'more' | 'enough';
  /** The generation is over: what is still held is delivered. */
  finish(): void;
}
