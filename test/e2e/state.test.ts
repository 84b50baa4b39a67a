import { afterAll, beforeAll, describe } from 'vitest';
import { replicasReady, startChorus, type RunningChorus } from '../support/chorus-process.ts';
import { openApiSuite } from './openapi-suite.ts';
import { stateSuite } from './state-suite.ts';

describe('what chorus serve remembers, with the simulator', () => {
  let chorus: RunningChorus;
  beforeAll(async () => {
    chorus = await startChorus(['--engine', 'simulated', '--replicas', '2']);
    await replicasReady(chorus, 2, 30_000);
  });
  afterAll(() => chorus.stop());

  stateSuite(() => chorus);
  openApiSuite(() => chorus);
});
