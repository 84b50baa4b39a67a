/** vLLM's block size on the CPU, which is also gpt-oss's sliding window. */
export const BLOCK_TOKENS = 128;

const ROOT = 0;

/**
 * vLLM's prefix cache as far as it can be counted: whole blocks, never the last token of a prompt, a cache for each salt.
 * With `--prefix-cache-retention-interval` 0 only the end of an earlier prompt can be taken up again, because gpt-oss's
 * sliding-window layers keep nothing else (vLLM `core/kv_cache_manager.py`).
 */
export class PrefixCache {
  readonly #capacityBlocks: number;
  readonly #retainAll: boolean;
  /** Chained blocks: the parent's number and the block's tokens, to this block's number. Oldest use first. */
  readonly #blocks = new Map<string, number>();
  /** Blocks at whose end a new prompt may take up. */
  readonly #resumable = new Set<number>();
  #lastBlock = ROOT;

  constructor(options: { readonly capacityBlocks: number; readonly retainAll: boolean }) {
    this.#capacityBlocks = options.capacityBlocks;
    this.#retainAll = options.retainAll;
  }

  /** How many tokens of this prompt need no computing. */
  match(promptTokenIds: readonly number[], salt: string): number {
    let parent = ROOT;
    let matched = 0;
    for (let end = BLOCK_TOKENS; end < promptTokenIds.length; end += BLOCK_TOKENS) {
      const block = this.#blocks.get(blockKey(parent, promptTokenIds, end, salt));
      if (block === undefined) break;
      if (this.#resumable.has(block)) matched = end;
      parent = block;
    }
    return matched;
  }

  /** Remembers what was computed: `tokenIds` is the prompt and what was generated after it. */
  remember(tokenIds: readonly number[], promptLength: number, salt: string): void {
    let parent = ROOT;
    for (let end = BLOCK_TOKENS; end <= tokenIds.length; end += BLOCK_TOKENS) {
      parent = this.#touch(blockKey(parent, tokenIds, end, salt));
      if (this.#retainAll || (end < promptLength && end + BLOCK_TOKENS >= promptLength)) this.#resumable.add(parent);
    }
  }

  #touch(key: string): number {
    const block = this.#blocks.get(key) ?? ++this.#lastBlock;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    const [oldest] = this.#blocks;
    if (this.#blocks.size > this.#capacityBlocks && oldest) {
      this.#blocks.delete(oldest[0]);
      this.#resumable.delete(oldest[1]);
    }
    return block;
  }
}

function blockKey(parent: number, tokenIds: readonly number[], end: number, salt: string): string {
  return `${parent}:${parent === ROOT ? salt : ''}:${tokenIds.slice(end - BLOCK_TOKENS, end).join(',')}`;
}
