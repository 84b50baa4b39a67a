import { setImmediate as nextLoopTurn } from 'node:timers/promises';
import { dropOldAnalysis } from '../harmony/drop.ts';
import { startEncoding, type Encoding } from '../harmony/encode.ts';
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
  encode(messages: readonly HarmonyMessage[], options: EncodeOptions): Promise<readonly number[] | null> {
    return this.#encodePieces(renderPieces(dropOldAnalysis(messages)), options);
  }

  /** The same for a text that is the whole prompt, with nothing around it. */
  encodeText(text: string, options: EncodeOptions): Promise<readonly number[] | null> {
    return this.#encodePieces([text], options);
  }

  async #encodePieces(rendered: Iterable<Piece>, options: EncodeOptions): Promise<readonly number[] | null> {
    const encoding = startEncoding(this.#vocabulary, []);
    let pieces = 0;
    for (const piece of rendered) {
      if (typeof piece !== 'string' || piece.length < MIN_CACHED_LENGTH) encoding.add(piece);
      else if (!(await this.#addText(encoding, piece, options))) return null;
      if (++pieces % PIECES_PER_STEP > 0) continue;
      if (!(await isEncoded(encoding, options))) return null;
      await pause(options.signal);
    }
    // The copy is as long as the prompt; what it is gathered in is up to half longer, and would live as long as the turn.
    return (await isEncoded(encoding, options)) ? encoding.tokenIds.slice() : null;
  }

  /** Adds a long text, and encodes it where it is not known; false when the prompt has become too long. */
  async #addText(encoding: Encoding, text: string, options: EncodeOptions): Promise<boolean> {
    const known = this.#recall(text);
    if (known !== null) {
      encoding.add(known);
      return true;
    }
    if (!(await isEncoded(encoding, options))) return false;
    const start = encoding.tokenIds.length;
    encoding.add(text);
    if (!(await isEncoded(encoding, options))) return false;
    this.#remember(text, encoding.tokenIds.slice(start));
    return true;
  }

  #recall(text: string): readonly number[] | null {
    const recent = this.#recent.get(text);
    if (recent !== undefined) return recent;
    const earlier = this.#earlier.get(text);
    if (earlier === undefined) return null;
    this.#remember(text, earlier);
    return earlier;
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

/** Encodes all that was added; false, as soon as that is known, when it is too long. */
async function isEncoded(encoding: Encoding, { maxTokens, signal }: EncodeOptions): Promise<boolean> {
  for (let done = false; !done;) {
    done = encoding.step();
    if (encoding.tokenIds.length > maxTokens) return false;
    if (!done) await pause(signal);
  }
  return true;
}

async function pause(signal: AbortSignal): Promise<void> {
  await nextLoopTurn();
  signal.throwIfAborted();
}
