import type { EngineStatus } from '../../src/engine/status.ts';

/** An engine of gpt-oss-20b that starts, unless `facts` say otherwise. */
export const engineStatus = (facts: Partial<EngineStatus> = {}): EngineStatus => ({
  engineId: 'e0',
  model: 'gpt-oss-20b',
  kind: 'gpu',
  gpus: [],
  phase: 'starting',
  sentence: '',
  mayBecomeReady: true,
  progress: null,
  pid: null,
  generation: 1,
  restarts: 0,
  lastFailure: null,
  recent: [],
  engineVersion: null,
  socketPath: '',
  host: null,
  logFile: null,
  ...facts,
});
