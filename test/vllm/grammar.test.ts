import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { structuralTag, type GrammarSchema } from '../../src/harmony/structural-tag.ts';
import type { SchemaNode } from '../../src/turn/grammar/json-schema.ts';
import { grammarSchema } from '../../src/turn/grammar-schema.ts';
import { GRAMMAR_CASES } from '../support/grammar-cases/all.ts';
import type { GrammarCase } from '../support/grammar-cases/case.ts';

interface Probed {
  readonly error: string | null;
  readonly compileMs: number;
  readonly accepts: readonly boolean[];
}

const HEADER = '<|channel|>final <|constrain|>json<|message|>';
const probe = fileURLToPath(new URL('../../scripts/harmony/grammar-probe.py', import.meta.url));

const validTexts = ({ valid = [] }: GrammarCase): string[] => valid.map((value) => JSON.stringify(value));
const invalidTexts = ({ invalid = [], invalidTexts = [] }: GrammarCase): string[] => [
  ...invalid.map((value) => JSON.stringify(value)),
  ...invalidTexts,
];

function request(grammarCase: GrammarCase): string {
  const isHeld = typeof grammarCase.schema === 'object' && grammarCase.path === null;
  const schema = (isHeld ? grammarSchema(grammarCase.schema as SchemaNode) : grammarCase.schema) as GrammarSchema;
  const tag = structuralTag({ maxReasoningTokens: null, calls: [], answer: { kind: 'json', schema } });
  const texts = [...validTexts(grammarCase), ...invalidTexts(grammarCase)].map((text) => HEADER + text);
  return JSON.stringify({ tag, texts });
}

/** What the engine's grammar does, in the words of the table. */
function verdict(grammarCase: GrammarCase, { error, compileMs, accepts }: Probed, slowMs: number): string {
  if (error !== null) return 'refused';
  if (compileMs > slowMs) return 'slow';
  const validCount = validTexts(grammarCase).length;
  const letsIn = accepts.slice(validCount);
  if (letsIn.some(Boolean)) return 'ignored';
  if (!accepts.slice(0, validCount).every(Boolean)) return 'narrow';
  return grammarCase.grammar === 'endless' ? 'endless' : 'held';
}

/** Machines differ: twice what the slowest of the others takes here. The slow take more than five times as long. */
function slowFrom(probed: readonly Probed[]): number {
  const others = probed.filter((_, index) => GRAMMAR_CASES[index]?.grammar !== 'slow');
  return 2 * Math.max(...others.map(({ compileMs }) => compileMs));
}

describe('the grammar of the installed engine', () => {
  let probed: readonly Probed[];

  beforeAll(async () => {
    const { CHORUS_TEST_PYTHON: python, CHORUS_TEST_MODEL: model } = process.env;
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    const { stdout } = await execa(python, [probe, model], { input: GRAMMAR_CASES.map(request).join('\n') });
    probed = stdout.split('\n').map((line) => JSON.parse(line) as Probed);
  });

  it('does with every schema of the table what the table says', () => {
    const slowMs = slowFrom(probed);
    const measured = GRAMMAR_CASES.map((one, index) => ({
      name: one.name,
      grammar: verdict(one, probed[index]!, slowMs),
    }));
    expect(measured).toEqual(GRAMMAR_CASES.map(({ name, grammar }) => ({ name, grammar })));
  });
});
