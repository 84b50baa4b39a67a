import { describe, expect, it } from 'vitest';
import { mayAnotherCome } from '../../src/engine/outlook.ts';
import type { EngineStatus } from '../../src/engine/status.ts';

const engine = (facts: Pick<EngineStatus, 'phase' | 'mayBecomeReady'>): EngineStatus => ({
  engineId: 'e0',
  model: 'gpt-oss-20b',
  kind: 'gpu',
  gpus: [],
  sentence: '',
  progress: null,
  pid: null,
  generation: 1,
  restarts: 0,
  lastFailure: null,
  engineVersion: null,
  socketPath: '',
  logFile: null,
  ...facts,
});
const ready = engine({ phase: 'ready', mayBecomeReady: true });

describe('mayAnotherCome', () => {
  it('hopes for an engine that starts, recovers or waits for its next start', () => {
    for (const phase of ['starting', 'unhealthy', 'backoff'] as const) {
      expect(mayAnotherCome('gpt-oss-20b', [ready, engine({ phase, mayBecomeReady: true })])).toBe(true);
    }
  });

  it('does not hope for those in rotation, those given up, or those of another model', () => {
    const failed = engine({ phase: 'failed', mayBecomeReady: false });
    const large = { ...engine({ phase: 'starting', mayBecomeReady: true }), model: 'gpt-oss-120b' as const };
    expect(mayAnotherCome('gpt-oss-20b', [ready, failed, large])).toBe(false);
  });
});
