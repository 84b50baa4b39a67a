import { describe, it } from 'vitest';
import { expectExamples, IN_JAVASCRIPT, IN_PYTHON } from '../support/examples.ts';

/** On two busy cores the engine and seven Python programs take minutes; `npm run examples` has them on the simulator. */
const RUN_TIMEOUT_MS = 900_000;

describe('every example', () => {
  const { CHORUS_TEST_PYTHON: python = '', CHORUS_TEST_MODEL: model = '' } = process.env;
  const all = { ...IN_JAVASCRIPT, ...IN_PYTHON };

  it('prints what it answered on the real vLLM on the CPU', { timeout: RUN_TIMEOUT_MS }, async () => {
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    await expectExamples(all, ['--engine', 'cpu', '--python', python, '--model-path', model]);
  });
});
