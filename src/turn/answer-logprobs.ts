import type { EngineLogprob } from '../protocol/generate.ts';

interface Waiting {
  readonly logprob: EngineLogprob;
  /** Bytes of the token's text that are a part of the answer. */
  byteCount: number;
}

/** Where none were asked for, which is nearly everywhere, no token costs a list. */
const NONE: readonly EngineLogprob[] = [];

/**
 * The log probabilities of tokens whose text has not been passed on yet. Text and tokens are matched by their bytes, in
 * order: some tokens make no whole character, some texts wait, and what looked like a header may turn out as text.
 */
export class AnswerLogprobs {
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Text that is announced and not taken yet. */
  #textBytes = 0;
  /** Text to come whose token has been given out: it was cut between two texts. */
  #bytesAhead = 0;

  /** The next token, before the text that it makes. */
  add(logprob: EngineLogprob, byteCount: number): void {
    this.#waiting.push({ logprob, byteCount });
    this.#waitingBytes += byteCount;
  }

  /** The latest tokens have made this text: what came before them, beyond the text that waits, was no text. */
  announce(text: string): void {
    if (this.#waiting.length === 0) return;
    this.#textBytes += Buffer.byteLength(text);
    let excess = this.#waitingBytes + this.#bytesAhead - this.#textBytes;
    for (let first; excess > 0 && (first = this.#waiting[0]) !== undefined;) {
      const dropped = Math.min(excess, first.byteCount);
      excess -= dropped;
      first.byteCount -= dropped;
      this.#waitingBytes -= dropped;
      if (first.byteCount === 0) this.#waiting.shift();
    }
  }

  /** Those of the tokens that make `text`, which is the next that is passed on; the last may reach beyond it. */
  take(text: string): readonly EngineLogprob[] {
    if (this.#textBytes === 0) return NONE;
    const taken: EngineLogprob[] = [];
    const byteCount = Buffer.byteLength(text);
    let left = byteCount - this.#bytesAhead;
    for (let first; left > 0 && (first = this.#waiting.shift()) !== undefined;) {
      taken.push(first.logprob);
      left -= first.byteCount;
      this.#waitingBytes -= first.byteCount;
    }
    this.#bytesAhead = Math.max(0, -left);
    this.#textBytes = Math.max(0, this.#textBytes - byteCount);
    return taken;
  }

  clear(): void {
    if (this.#waiting.length > 0) this.#waiting = [];
    this.#waitingBytes = this.#textBytes = this.#bytesAhead = 0;
  }
}
