import { afterAll, beforeAll, describe } from 'vitest';
import { failoverSuite } from '../e2e/failover-suite.ts';
import { startQuickChorus, type RunningChorus } from '../support/chorus-process.ts';
import { deathsSuite } from './deaths-suite.ts';
import { DEFAULT_POLICY } from '../../src/engine/policy.ts';

/** Two starts at once on two cores take one to three minutes. */
const RESTART_TIMEOUT_MS = 300_000;
/** However often they end. */
const QUICK_RESTARTS = { restart: { ...DEFAULT_POLICY.restart, maxDelayMs: 50, firstDelayMs: 50 } };

describe('chorus serve with the real vLLM on the CPU', () => {
  let chorus: RunningChorus;
  const { CHORUS_TEST_PYTHON: python = '', CHORUS_TEST_MODEL: model = '' } = process.env;

  beforeAll(async () => {
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    const engines = [
      '--engine',
      'cpu',
      '--python',
      python,
      '--model-path',
      model,
      '--replicas',
      '2',
      '--stall-seconds',
      '20',
    ];
    chorus = await startQuickChorus(QUICK_RESTARTS, engines);
  });
  afterAll(() => chorus?.stop());

  failoverSuite(() => chorus, { restartTimeoutMs: RESTART_TIMEOUT_MS, isSlow: true });
  deathsSuite(() => chorus, RESTART_TIMEOUT_MS);
});
