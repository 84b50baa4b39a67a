import { describe, expect, it } from 'vitest';
import type { EngineState, Phase } from '../../src/engine/engine-state.ts';
import { beginWatch } from '../../src/engine/work-watch.ts';
import { FRESH_HISTORY } from '../../src/engine/restart.ts';
import { describeEngine, mayBecomeReady } from '../../src/engine/status.ts';

const FAILURE = { code: 'gpu_busy', message: 'the card is full', remedy: 'Free it.', retry: 'backoff' } as const;
const stateIn = (phase: Phase): EngineState => ({ ...phase, generation: 1, history: FRESH_HISTORY, readyAtMs: null });

/** Every phase, the sentence 400 ms into it, and whether there is hope that it serves by itself. */
const SENTENCES: readonly (readonly [phase: Phase, progress: string | null, sentence: string, hope: boolean])[] = [
  [{ phase: 'idle' }, null, 'waits for its turn to start', true],
  [{ phase: 'starting', tokenProblem: null }, null, 'starting for 400 ms: loading the program', true],
  [{ phase: 'starting', tokenProblem: null }, 'compiling', 'starting for 400 ms: compiling', true],
  [{ phase: 'starting', tokenProblem: 'no token: 500' }, 'compiling', 'starting for 400 ms: no token: 500', true],
  [{ phase: 'ready', slowProbes: 0, canaryMisses: 0, work: beginWatch(0) }, null, 'in rotation', true],
  [{ phase: 'unhealthy', cause: 'down', reason: '/health says 503' }, null, 'out of rotation: /health says 503', true],
  [
    { phase: 'draining', drainMs: 30_400, termGraceMs: 1 },
    null,
    'being stopped: its answers may finish for 30 s more',
    false,
  ],
  [{ phase: 'stopping', intent: { kind: 'stop' }, killed: false }, null, 'being stopped', false],
  [{ phase: 'stopping', intent: { kind: 'stop' }, killed: true }, null, 'being ended by force', false],
  [
    { phase: 'stopping', intent: { kind: 'replace', failure: FAILURE }, killed: false },
    null,
    'being replaced: the card is full',
    true,
  ],
  [{ phase: 'sweeping', intent: { kind: 'stop' } }, null, 'its process is gone; what it left is being ended', false],
  [
    { phase: 'sweeping', intent: { kind: 'unplanned' } },
    null,
    'its process is gone; what it left is being ended',
    true,
  ],
  [
    { phase: 'backoff', failure: FAILURE, delayMs: 1000, waitsFor: null },
    null,
    'the card is full; starts again in 600 ms',
    true,
  ],
  [
    { phase: 'backoff', failure: FAILURE, delayMs: 1000, waitsFor: 'e1' },
    null,
    'the card is full; starts again once e1 is back',
    true,
  ],
  [{ phase: 'releasing' }, null, 'about to start: waits until nothing holds the memory of its card', true],
  [
    { phase: 'stopping', intent: { kind: 'give_up', failure: FAILURE }, killed: true },
    null,
    'being ended: the card is full',
    false,
  ],
  [{ phase: 'failed', failure: FAILURE }, null, 'failed: the card is full. Free it.', false],
  [{ phase: 'stopped' }, null, 'stopped', false],
];

describe('the status of an engine', () => {
  it('says in one sentence what it does and what comes next', () => {
    expect(SENTENCES.map(([phase, progress]) => describeEngine(stateIn(phase), 400, progress))).toEqual(
      SENTENCES.map(([, , sentence]) => sentence),
    );
  });

  it('gives hope exactly while it may serve without anybody doing something', () => {
    expect(SENTENCES.map(([phase]) => mayBecomeReady(stateIn(phase)))).toEqual(SENTENCES.map(([, , , hope]) => hope));
  });
});
