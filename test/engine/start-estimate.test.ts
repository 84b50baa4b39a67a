import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Placement } from '../../src/domain/placement.ts';
import { estimateStart } from '../../src/engine/start-estimate.ts';
import { StartHistory } from '../../src/engine/start-history.ts';
import { StartWatch } from '../../src/engine/start-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

const START = { program: 20_000, weights: 10_000, compile: 30_000, graphs: 15_000, api: 5000 };

describe('the estimate of a start', () => {
  it('says nothing before one start is known', () => {
    expect(estimateStart({ phase: 'weights', inPhaseMs: 5000, elapsedMs: 25_000 }, [])).toEqual({
      phase: 'weights',
      percent: null,
      leftMs: null,
    });
  });

  it('counts what is left of the phase and the later ones', () => {
    const at = (inPhaseMs: number) =>
      estimateStart({ phase: 'compile', inPhaseMs, elapsedMs: 30_000 + inPhaseMs }, [START]);
    expect(at(10_000)).toEqual({ phase: 'compile', percent: 50, leftMs: 40_000 });
    expect(at(90_000)).toEqual({ phase: 'compile', percent: 85, leftMs: 20_000 });
  });

  it('never says that a start is done', () => {
    const position = { phase: 'api', inPhaseMs: 60_000, elapsedMs: 135_000 } as const;
    expect(estimateStart(position, [START])).toEqual({ phase: 'api', percent: 99, leftMs: 0 });
  });

  it('takes the median, so that one slow start does not count', () => {
    const slow = { ...START, compile: 300_000 };
    expect(estimateStart({ phase: 'program', inPhaseMs: 0, elapsedMs: 0 }, [START, slow, START]).leftMs).toBe(80_000);
    expect(estimateStart({ phase: 'program', inPhaseMs: 0, elapsedMs: 0 }, [START, slow]).leftMs).toBe(215_000);
  });
});

describe('the watch over a start', () => {
  it('follows the log, and tells how long each phase took', () => {
    const clock = new FakeClock();
    const watch = new StartWatch(clock, [START]);
    clock.advance(20_000);
    expect(watch.note('(Worker pid=3) INFO 11-24 [cpu_model_runner.py:68] Starting to load model /m...')).toBe(true);
    clock.advance(4000);
    expect(watch.note('Loading safetensors checkpoint shards:  40% Completed | 6/15')).toBe(true);
    expect(watch.note('Loading safetensors checkpoint shards:  40% Completed | 6/15')).toBe(false);
    expect(watch.sentence).toBe('loading weights (40 %)');
    expect(watch.progress).toEqual({ phase: 'weights', percent: 30, leftMs: 56_000 });
    clock.advance(5000);
    expect(watch.note('(EngineCore pid=2) INFO [backends.py:1] Dynamo bytecode transform time: 4.5 s')).toBe(true);
    clock.advance(31_000);
    watch.note('(EngineCore pid=2) INFO [kv_cache_utils.py:2327] GPU KV cache size: 671,088 tokens');
    clock.advance(1000);
    expect(watch.finish()).toEqual({ program: 20_000, weights: 9000, compile: 31_000, graphs: 1000 });
  });

  it('does not go back to an earlier phase', () => {
    const watch = new StartWatch(new FakeClock(), []);
    watch.note('(EngineCore pid=2) INFO [kv_cache_utils.py:2327] GPU KV cache size: 671,088 tokens');
    watch.note('(EngineCore pid=2) INFO torch.compile takes 3.4 s in total');
    expect(watch.progress.phase).toBe('graphs');
  });
});

describe('the history of starts', () => {
  let stateDir: string;
  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'chorus-history-'));
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  const on = (name: string, count = 1): Placement => ({
    engineId: 'e0',
    kind: 'gpu',
    model: 'gpt-oss-20b',
    gpus: Array.from({ length: count }, (_, index) => ({ index, uuid: `GPU-${index}`, name })),
    profile: { name: 'standard', maxModelLen: 131_072 },
  });

  it('gives the last three starts on such cards to the next process, newest first', () => {
    const history = new StartHistory(stateDir);
    for (const api of [1, 2, 3, 4]) history.add(on('H100'), '0.32.0', { api });
    history.add(on('L4'), '0.32.0', { api: 5 });
    history.add(on('H100', 2), '0.32.0', { api: 6 });
    const next = new StartHistory(stateDir);
    expect(next.earlier(on('H100'))).toEqual([{ api: 4 }, { api: 3 }, { api: 2 }]);
    expect(next.earlier(on('L4'))).toEqual([{ api: 5 }]);
    expect(next.earlier(on('A100'))).toEqual([]);
  });

  it('compares with the engine version that was last seen only', () => {
    const history = new StartHistory(stateDir);
    history.add(on('H100'), '0.31.0', { api: 1 });
    history.add(on('H100'), '0.32.0', { api: 2 });
    expect(history.earlier(on('H100'))).toEqual([{ api: 2 }]);
  });

  it.each(['', '{', '{"a":1}', '[{"seat":1}]'])('begins anew where the file holds %j', (text) => {
    writeFileSync(join(stateDir, 'start-times.json'), text);
    const history = new StartHistory(stateDir);
    expect(history.earlier(on('H100'))).toEqual([]);
    history.add(on('H100'), '0.32.0', { api: 2 });
    expect(new StartHistory(stateDir).earlier(on('H100'))).toEqual([{ api: 2 }]);
  });
});
