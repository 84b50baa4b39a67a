import { afterAll, beforeAll, describe } from 'vitest';
import { responsesSuite } from '../e2e/responses-suite.ts';
import { serveSuite } from '../e2e/serve-suite.ts';
import { toolsSuite } from '../e2e/tools-suite.ts';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';

/** Two starts at once on two cores take about a minute. */
const START_TIMEOUT_MS = 240_000;

describe('chorus serve with the real vLLM on the CPU', () => {
  let chorus: RunningChorus;

  beforeAll(async () => {
    const { CHORUS_TEST_PYTHON: python, CHORUS_TEST_MODEL: model } = process.env;
    if (!python || !model) throw new Error('Run this through `npm run test:vllm`, which makes the Python environment.');
    chorus = await startChorus(['--engine', 'cpu', '--python', python, '--model-path', model, '--replicas', '2']);
    const startedMs = performance.now();
    const { engines } = await replicasReady(chorus, 2, START_TIMEOUT_MS);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    console.log(`vLLM ${engines[0]?.engineVersion}: ${engines.length} replicas ready after ${seconds} s`);
  });
  afterAll(async () => {
    if (chorus?.process.exitCode === null) await chorus.stop();
  });

  responsesSuite(() => chorus);
  toolsSuite(() => chorus);
  serveSuite(() => chorus, { restartTimeoutMs: START_TIMEOUT_MS });
});
