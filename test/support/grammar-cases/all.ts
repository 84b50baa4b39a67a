import type { GrammarCase } from './case.ts';
import { KEYWORDS } from './keywords.ts';
import { ORDINARY } from './ordinary.ts';
import { FORMAT_CASES, PATTERNS } from './strings.ts';
import { STRUCTURE } from './structure.ts';

/** Measured with xgrammar 0.2.8; `test/vllm/grammar.test.ts` measures again. */
export const GRAMMAR_CASES: readonly GrammarCase[] = [
  ...ORDINARY,
  ...FORMAT_CASES,
  ...PATTERNS,
  ...KEYWORDS,
  ...STRUCTURE,
];
