import { describe, expect, it } from 'vitest';
import { mayAnotherCome, modelOutlook } from '../../src/engine/outlook.ts';
import type { Plan } from '../../src/domain/placement.ts';
import type { EngineStatus } from '../../src/engine/status.ts';
import { engineStatus as engine } from '../support/engine-status.ts';

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

describe('modelOutlook', () => {
  const plan: Plan = {
    model: 'gpt-oss-20b',
    placements: [],
    rejections: [],
    summary: '2 replicas',
    reasons: [],
    notServed: { 'gpt-oss-120b': 'It does not fit.' },
  };
  const starting = (engineId: string, leftMs: number | null): EngineStatus => ({
    ...engine({ phase: 'starting', mayBecomeReady: true }),
    engineId,
    sentence: 'starting for 12 s: compiling',
    progress: { phase: 'compile', percent: leftMs === null ? null : 40, leftMs },
  });

  it('tells of the replica that is ready first, with its estimate', () => {
    expect(
      modelOutlook('gpt-oss-20b', plan, [starting('e0', null), starting('e1', 25_000), starting('e2', 60_000)]),
    ).toEqual({
      state: 'loading',
      sentence: 'e1: starting for 12 s: compiling, 40 %, about 25 s left.',
      progress: { phase: 'compile', percent: 40, leftMs: 25_000 },
    });
  });

  it('gives no figure where no earlier start gives one', () => {
    expect(modelOutlook('gpt-oss-20b', plan, [starting('e0', null)])).toEqual({
      state: 'loading',
      sentence: 'e0: starting for 12 s: compiling.',
      progress: { phase: 'compile', percent: null, leftMs: null },
    });
  });

  it('has no progress once one is in rotation, or where the model is not served', () => {
    const states = (['gpt-oss-20b', 'gpt-oss-120b'] as const).map((model) =>
      modelOutlook(model, plan, [ready, starting('e1', 1000)]),
    );
    expect(states).toEqual([
      { state: 'ready', sentence: '1 of 2 replicas in rotation.', progress: null },
      { state: 'not_served', sentence: 'It does not fit.', progress: null },
    ]);
  });
});
