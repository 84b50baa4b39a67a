import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { dropOldAnalysis } from '../harmony/drop.ts';
import { startEncoding } from '../harmony/encode.ts';
import type { HarmonyMessage } from '../harmony/message.ts';
import { renderPieces, type Piece } from '../harmony/render.ts';
import type { Vocabulary } from '../harmony/vocabulary.ts';

/** Shorter texts are encoded as fast as they are looked up. */
const MIN_CACHED_LENGTH = 64;

/** A small integer in an array, and a UTF-16 code unit of a key. */
const BYTES_PER_TOKEN = 8;
const BYTES_PER_UNIT = 2;

/** Rendered pieces until others may run: about a millisecond. */
const PIECES_PER_STEP = 10_000;

export interface EncodeOptions {
  /** The longest prompt that is wanted; Infinity: all of it, however long. */
  readonly maxTokens: number;
  readonly signal: AbortSignal;
}

/**
 * Turns conversations into prompts and remembers the encoding of their texts, so that a turn of a long conversation
 * tokenises only what is new in it, whether the context was stored here or sent again by the client.
 */
export class PromptEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #maxGenerationBytes: number;
  /**
   * By text: what was used lately, and what was used before that and is forgotten once the first is full. Two
   * generations, because a Map that is always emptied at its front is slow to find its front.
   */
  #recent = new Map<string, readonly number[]>();
  #earlier = new Map<string, readonly number[]>();
  #recentBytes = 0;

  /** What is remembered, texts and tokens together, takes about `maxCachedBytes` of memory at most. */
  constructor(vocabulary: Vocabulary, maxCachedBytes: number) {
    this.#vocabulary = vocabulary;
    this.#maxGenerationBytes = maxCachedBytes / 2;
  }

  /**
   * The prompt of a conversation as token ids, ending in `<|start|>assistant`; null, as soon as that is known, when it
   * has more than `maxTokens`. Encodes in steps of a few milliseconds and lets the event loop run between them, so that
   * a megabyte of input holds nobody else up. Rejects with the signal's reason when it aborts.
   */
  async encode(messages: readonly HarmonyMessage[], options: EncodeOptions): Promise<readonly number[] | null> {
    const pieces: Piece[] = [];
    let knownTokens = 0;
    for (const piece of renderPieces(dropOldAnalysis(messages))) {
      const isLong = typeof piece === 'string' && piece.length >= MIN_CACHED_LENGTH;
      const maxTokens = options.maxTokens - knownTokens;
      const rendered = isLong ? await this.#text(piece, { ...options, maxTokens }) : piece;
      if (rendered === null) return null;
      knownTokens += Array.isArray(rendered) ? rendered.length : 1;
      if (knownTokens > options.maxTokens) return null;
      pieces.push(rendered);
      if (pieces.length % PIECES_PER_STEP === 0) await pause(options.signal);
    }
    return this.#run(pieces, options);
  }

  async #text(text: string, options: EncodeOptions): Promise<readonly number[] | null> {
    const recent = this.#recent.get(text);
    if (recent !== undefined) return recent;
    const earlier = this.#earlier.get(text);
    if (earlier !== undefined) {
      this.#remember(text, earlier);
      return earlier;
    }
    const tokenIds = await this.#run([text], options);
    if (tokenIds !== null) this.#remember(text, tokenIds);
    return tokenIds;
  }

  async #run(pieces: readonly Piece[], { maxTokens, signal }: EncodeOptions): Promise<readonly number[] | null> {
    const encoding = startEncoding(this.#vocabulary, pieces);
    for (let done = false; !done;) {
      done = encoding.step();
      if (encoding.tokenIds.length > maxTokens) return null;
      if (!done) await pause(signal);
    }
    return encoding.tokenIds;
  }

  #remember(text: string, tokenIds: readonly number[]): void {
    const bytes = cachedBytes(text, tokenIds);
    if (this.#recent.has(text) || bytes > this.#maxGenerationBytes) return;
    if (this.#recentBytes + bytes > this.#maxGenerationBytes) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
      this.#recentBytes = 0;
    }
    this.#recent.set(text, tokenIds);
    this.#recentBytes += bytes;
  }
}

const cachedBytes = (text: string, tokenIds: readonly number[]): number =>
  text.length * BYTES_PER_UNIT + tokenIds.length * BYTES_PER_TOKEN;

async function pause(signal: AbortSignal): Promise<void> {
  await nextLoopTurn();
  signal.throwIfAborted();
}
