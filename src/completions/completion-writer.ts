import type { CodedError } from '../domain/errors.ts';
import type { CompletionUsage } from '../protocol/chat.ts';
import type { Completion, CompletionChoice, CompletionLogprobs } from '../protocol/completions.ts';
import type { EngineLogprob } from '../protocol/generate.ts';
import type { TokenLogprob } from '../protocol/responses.ts';
import type { Answering } from '../turn/answer-turn.ts';
import type { TextListener } from '../turn/progress.ts';
import type { TurnEnd } from '../turn/run-turn.ts';
import { DataFrames } from './data-frames.ts';
import { rawEnd, type RawEnd } from './raw-end.ts';
import type { Wording } from './reword.ts';

/** How one completion is written. */
export interface CompletionStyle {
  readonly head: Pick<Completion, 'id' | 'created' | 'model' | 'system_fingerprint'>;
  readonly wording: Wording;
  /** Stands before the text. */
  readonly echo: string;
  /** Null where no log probabilities were asked for. */
  readonly spellLogprob: ((logprob: EngineLogprob) => TokenLogprob) | null;
  readonly hasTokenIds: boolean;
  /** The stream tells the usage. */
  readonly includesUsage: boolean;
}

/** What has come and is in no chunk yet; of an answer that is taken whole: all. */
interface Gathered {
  text: string;
  tokenIds: number[];
  logprobs: TokenLogprob[];
}

const nothing = (): Gathered => ({ text: '', tokenIds: [], logprobs: [] });

/** Turns the text of a turn into a completion, or into chunks, one for each read that brought something. */
export class CompletionWriter implements TextListener, Answering<Completion> {
  readonly hears = 'text';
  readonly reasoningTokens = 0;
  readonly #style: CompletionStyle;
  readonly #frames: DataFrames | null;
  readonly #onFirstOutput: () => void;
  #gathered = nothing();
  /** Where the next token's text begins. */
  #textOffset: number;
  /** Set once the turn is over. */
  #end: RawEnd | null = null;

  constructor(style: CompletionStyle, write: ((frames: string) => void) | null, onFirstOutput: () => void) {
    this.#style = style;
    this.#frames = write && new DataFrames(write);
    this.#onFirstOutput = onFirstOutput;
    this.#textOffset = style.echo.length;
  }

  get isLive(): boolean {
    return this.#frames !== null;
  }

  begin(): void {
    const { echo } = this.#style;
    if (echo === '') return;
    this.#chunk({ ...nothing(), text: echo }, null);
    this.#frames?.flush();
  }

  onStartOver(): void {
    this.#gathered = nothing();
    this.#textOffset = this.#style.echo.length;
  }

  onTokens(tokenIds: readonly number[]): void {
    this.#onFirstOutput();
    if (this.#style.hasTokenIds) for (const tokenId of tokenIds) this.#gathered.tokenIds.push(tokenId);
  }

  onLogprobs(logprobs: readonly EngineLogprob[]): void {
    const { spellLogprob } = this.#style;
    if (spellLogprob !== null) this.#gathered.logprobs.push(...logprobs.map(spellLogprob));
  }

  onText(text: string): void {
    this.#gathered.text += text;
  }

  onBatchEnd(): void {
    const gathered = this.#gathered;
    if (this.#frames === null || (gathered.text === '' && gathered.tokenIds.length === 0)) return;
    this.#gathered = nothing();
    this.#chunk(gathered, null);
    this.#frames.flush();
  }

  finish(end: Exclude<TurnEnd, { kind: 'aborted' }>): CodedError | null {
    this.#end = rawEnd(end, this.#style.wording);
    return this.#end.error;
  }

  announce(error: CodedError | null): void {
    if (error === null && this.#end !== null) {
      const { finishReason, usage } = this.#end;
      this.#chunk(nothing(), finishReason);
      if (this.#style.includesUsage) this.#frame([], usage);
    }
    this.#frames?.end(error);
  }

  answer(): Completion {
    if (this.#end === null) throw new Error('the turn is not over');
    const { head, echo } = this.#style;
    const whole = { ...this.#gathered, text: echo + this.#gathered.text };
    return {
      ...head,
      object: 'text_completion',
      choices: [this.#choice(whole, this.#end.finishReason)],
      usage: this.#end.usage,
    };
  }

  #chunk(gathered: Gathered, finishReason: 'stop' | 'length' | null): void {
    this.#frame([this.#choice(gathered, finishReason)], null);
  }

  #frame(choices: readonly CompletionChoice[], usage: CompletionUsage | null): void {
    const told = this.#style.includesUsage ? { usage } : {};
    this.#frames?.add(JSON.stringify({ ...this.#style.head, object: 'text_completion', choices, ...told }));
  }

  #choice({ text, tokenIds, logprobs }: Gathered, finishReason: 'stop' | 'length' | null): CompletionChoice {
    return {
      index: 0,
      text,
      logprobs: this.#style.spellLogprob === null ? null : this.#logprobs(logprobs),
      finish_reason: finishReason,
      ...(this.#style.hasTokenIds ? { token_ids: tokenIds } : {}),
    };
  }

  #logprobs(logprobs: readonly TokenLogprob[]): CompletionLogprobs {
    return {
      text_offset: logprobs.map(({ token }) => {
        const offset = this.#textOffset;
        this.#textOffset += token.length;
        return offset;
      }),
      token_logprobs: logprobs.map(({ logprob }) => logprob),
      tokens: logprobs.map(({ token }) => token),
      top_logprobs: logprobs.map(({ top_logprobs: top }) =>
        Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
      ),
    };
  }
}
