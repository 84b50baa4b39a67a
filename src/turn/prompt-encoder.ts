import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { dropOldAnalysis } from '../harmony/drop.ts';
import { startEncoding } from '../harmony/encode.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import { renderConversation, type Piece } from '../harmony/render.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';

/** Shorter texts are encoded as fast as they are looked up. */
const MIN_CACHED_LENGTH = 64;

/**
 * Turns conversations into prompts and remembers the encoding of their texts, so that a turn of a long conversation
 * tokenises only what is new in it, whether the context was stored here or sent again by the client.
 */
export class PromptEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #maxCachedTokens: number;
  /** By text, the longest unused first. */
  readonly #cache = new Map<string, readonly number[]>();
  #cachedTokens = 0;

  constructor(vocabulary: Vocabulary, maxCachedTokens: number) {
    this.#vocabulary = vocabulary;
    this.#maxCachedTokens = maxCachedTokens;
  }

  /**
   * The prompt of a conversation as token ids, ending in `<|start|>assistant`. Encodes in steps of a few milliseconds
   * and lets the event loop run between them, so that a megabyte of input holds nobody else up. Rejects with the
   * signal's reason when it aborts.
   */
  async encode(messages: readonly HarmonyMessage[], signal: AbortSignal): Promise<readonly number[]> {
    const pieces: Piece[] = [];
    for (const piece of renderConversation(dropOldAnalysis(messages))) {
      pieces.push(
        typeof piece === 'string' && piece.length >= MIN_CACHED_LENGTH ? await this.#text(piece, signal) : piece,
      );
    }
    return this.#run(pieces, signal);
  }

  async #text(text: string, signal: AbortSignal): Promise<readonly number[]> {
    const known = this.#cache.get(text);
    if (known !== undefined) {
      this.#cache.delete(text);
      this.#cache.set(text, known);
      return known;
    }
    const tokenIds = await this.#run([text], signal);
    this.#remember(text, tokenIds);
    return tokenIds;
  }

  async #run(pieces: readonly Piece[], signal: AbortSignal): Promise<readonly number[]> {
    const encoding = startEncoding(this.#vocabulary, pieces);
    while (!encoding.step()) {
      await nextLoopTurn();
      signal.throwIfAborted();
    }
    return encoding.tokenIds;
  }

  #remember(text: string, tokenIds: readonly number[]): void {
    if (this.#cache.has(text) || tokenIds.length > this.#maxCachedTokens) return;
    this.#cache.set(text, tokenIds);
    this.#cachedTokens += tokenIds.length;
    for (const [oldest, { length }] of this.#cache) {
      if (this.#cachedTokens <= this.#maxCachedTokens) return;
      this.#cache.delete(oldest);
      this.#cachedTokens -= length;
    }
  }
}
