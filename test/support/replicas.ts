import type { Replica } from '../../src/domain/replica.ts';

/** A replica with sensible facts, for tests that care about a few of them. */
export const aReplica = (facts: Partial<Replica> = {}): Replica => ({
  engineId: 'e0',
  generation: 0,
  model: 'gpt-oss-20b',
  servedName: 'gpt-oss-20b',
  endpoint: { socketPath: '/nowhere.sock' },
  tokenRoute: 'generate',
  maxModelLen: 4096,
  engineVersion: '0.32.0',
  simulated: false,
  ...facts,
});
