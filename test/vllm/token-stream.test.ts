import { describe } from 'vitest';
import { startVllm } from '../support/engine-process.ts';
import { tokenStreamContract } from '../upstream/token-stream-contract.ts';

describe('token streams of the real vLLM on the CPU', () =>
  tokenStreamContract(() => {
    const { CHORUS_TEST_PYTHON: python, CHORUS_TEST_MODEL: model } = process.env;
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    return startVllm(python, model);
  }));
