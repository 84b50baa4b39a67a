import { createVocabulary } from '../../src/harmony/vocabulary.ts';
import { readVocabulary } from '../../src/system/vocabulary.ts';

/** The real vocabulary, read once per test file. */
export const vocabulary = createVocabulary(readVocabulary());
