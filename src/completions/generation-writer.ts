import type { CodedError } from '../domain/errors.ts';
import { TOKENS } from '../harmony/tokens.ts';
import type { CompletionUsage } from '../protocol/chat.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { Generation, GenerationChoice } from '../protocol/generation.ts';
import type { Answering } from '../turn/answer-turn.ts';
import type { TokenListener } from '../turn/progress.ts';
import type { TurnEnd } from '../turn/run-turn.ts';
import { DataFrames } from './data-frames.ts';
import { rawEnd, type RawEnd } from './raw-end.ts';
import type { Wording } from './reword.ts';

/** How one generation is written. */
export interface GenerationStyle {
  readonly head: Pick<Generation, 'request_id' | 'model' | 'created'>;
  readonly wording: Wording;
  readonly stopTokenIds: readonly number[];
  /** The stream tells the usage. */
  readonly includesUsage: boolean;
}

/** Ids that vLLM names as the reason of a stop, beside those of the request. */
const TOLD_ENDS: readonly number[] = [TOKENS.call, TOKENS.endOfText];

/** Turns the ids of a turn into a generation, or into frames as vLLM's, key for key. */
export class GenerationWriter implements TokenListener, Answering<Generation> {
  readonly hears = 'tokens';
  readonly reasoningTokens = 0;
  readonly #style: GenerationStyle;
  readonly #frames: DataFrames | null;
  readonly #onFirstOutput: () => void;
  /** What stands before and after the ids of a frame that brings nothing but ids. */
  readonly #before: string;
  readonly #after = '],"routed_experts":null,"sampling_mask":null,"weight_versions":null,"logprobs":null}]}';
  /** Of an answer that is taken whole; a stream needs the last id only. */
  #tokenIds: number[] = [];
  #logprobs: EngineLogprob[] | null = null;
  #lastId = -1;
  /** Set once the turn is over. */
  #end: RawEnd | null = null;

  constructor(style: GenerationStyle, write: ((frames: string) => void) | null, onFirstOutput: () => void) {
    this.#style = style;
    this.#frames = write && new DataFrames(write);
    this.#onFirstOutput = onFirstOutput;
    this.#before = `{"request_id":"${style.head.request_id}","usage":null,"output_mode":"tokens","choices":[{"index":0,"finish_reason":null,"stop_reason":null,"token_ids":[`;
  }

  get isLive(): boolean {
    return this.#frames !== null;
  }

  begin(): void {}

  onStartOver(): void {
    this.#tokenIds = [];
    this.#logprobs = null;
  }

  onTokens(tokenIds: readonly number[], logprobs: readonly EngineLogprob[] | null): void {
    this.#onFirstOutput();
    this.#lastId = tokenIds.at(-1) ?? this.#lastId;
    if (this.#frames === null) {
      for (const tokenId of tokenIds) this.#tokenIds.push(tokenId);
      if (logprobs !== null) (this.#logprobs ??= []).push(...logprobs);
      return;
    }
    if (logprobs === null) this.#frames.add(this.#before + tokenIds.join(',') + this.#after);
    else this.#frame([choice(tokenIds, logprobs, null, null)], null);
    this.#frames.flush();
  }

  finish(end: Exclude<TurnEnd, { kind: 'aborted' }>): CodedError | null {
    this.#end = rawEnd(end, this.#style.wording);
    return this.#end.error;
  }

  announce(error: CodedError | null): void {
    if (error === null && this.#end !== null) {
      const { finishReason, usage } = this.#end;
      this.#frame([choice([], null, finishReason, this.#stopReason(finishReason))], null);
      if (this.#style.includesUsage) this.#frame([], usage);
    }
    this.#frames?.end(error);
  }

  answer(): Generation {
    if (this.#end === null) throw new Error('the turn is not over');
    const { finishReason, usage } = this.#end;
    const { request_id: requestId, model, created } = this.#style.head;
    return {
      request_id: requestId,
      model,
      created,
      usage,
      output_mode: 'tokens',
      choices: [choice(this.#tokenIds, this.#logprobs, finishReason, this.#stopReason(finishReason))],
    };
  }

  #stopReason(finishReason: RawEnd['finishReason']): number | null {
    if (finishReason !== 'stop' || this.#lastId === TOKENS.return) return null;
    const isNamed = TOLD_ENDS.includes(this.#lastId) || this.#style.stopTokenIds.includes(this.#lastId);
    return isNamed ? this.#lastId : null;
  }

  #frame(choices: readonly GenerationChoice[], usage: CompletionUsage | null): void {
    const { request_id: requestId } = this.#style.head;
    this.#frames?.add(JSON.stringify({ request_id: requestId, usage, output_mode: 'tokens', choices }));
  }
}

function choice(
  tokenIds: readonly number[],
  logprobs: readonly EngineLogprob[] | null,
  finishReason: 'stop' | 'length' | null,
  stopReason: number | null,
): GenerationChoice {
  return {
    index: 0,
    finish_reason: finishReason,
    stop_reason: stopReason,
    token_ids: tokenIds,
    routed_experts: null,
    sampling_mask: null,
    weight_versions: null,
    logprobs: logprobs && { content: logprobs },
  };
}
