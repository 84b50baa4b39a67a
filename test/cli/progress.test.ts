import { describe, expect, it } from 'vitest';
import { createStartView, startLines, viewStyle } from '../../src/cli/progress.ts';
import type { EngineReport } from '../../src/gateway/reports.ts';
import type { SetupProgress } from '../../src/setup/setup-plan.ts';
import { engineStatus } from '../support/engine-status.ts';
import { FakeClock } from '../support/fake-clock.ts';

const engine = (facts: Partial<EngineReport>): EngineReport => ({
  ...engineStatus({
    sentence: 'starting for 12 s: compiling',
    progress: { phase: 'compile', percent: 40, leftMs: 25_400 },
    pid: 1,
  }),
  inFlight: 0,
  served: 0,
  ...facts,
});
const READY = engine({ engineId: 'e1', phase: 'ready', sentence: 'in rotation', progress: null });
const FAILED = engine({ engineId: 'e2', phase: 'failed', sentence: 'failed: no card. Buy one.', progress: null });
const DOWNLOAD: SetupProgress = {
  step: 'download',
  sentence: 'downloading openai/gpt-oss-20b',
  fraction: 0.5,
  doneBytes: 5e9,
  totalBytes: 10e9,
  bytesPerSecond: 1e8,
  leftMs: 50_000,
};

/** A terminal (or a file) that keeps what is written. */
function outputOf(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 0, write: (text: string) => written.push(text), written };
}

describe('the lines of a start', () => {
  it('have a bar, percent and time left for what starts, and colour for what has settled', () => {
    expect(startLines({ setup: [], engines: [engine({}), READY, FAILED] }, 79, true)).toEqual([
      '  e0        [########............] 40 %  starting for 12 s: compiling, about 25',
      '\u001b[32m  e1        in rotation\u001b[0m',
      '\u001b[31m  e2        failed: no card. Buy one.\u001b[0m',
    ]);
  });

  it('show the setup while it runs, without colour where none is wanted', () => {
    expect(startLines({ setup: [DOWNLOAD], engines: [engine({}), READY] }, 100, false)).toEqual([
      '  download  [##########..........] 50 %  downloading openai/gpt-oss-20b, about 50 s left',
    ]);
  });

  it('have no bar where nothing is known of the time', () => {
    const progress = { phase: 'compile', percent: null, leftMs: null } as const;
    expect(startLines({ setup: [], engines: [engine({ progress })] }, 100, false)).toEqual([
      '  e0        starting for 12 s: compiling',
    ]);
  });
});

describe('the view of a start', () => {
  it('redraws one block on a terminal, and writes other lines above it', () => {
    const [output, clock] = [outputOf(true), new FakeClock()];
    const view = createStartView(output, viewStyle('auto', { NO_COLOR: '1' }), clock);
    view.show(() => ({ setup: [], engines: [engine({ sentence: 'compiling', progress: null }), READY] }));
    clock.advance(0);
    view.print('a remark');
    clock.advance(500);
    view.show(() => ({
      setup: [],
      engines: [engine({ phase: 'ready', sentence: 'in rotation', progress: null }), READY],
    }));
    clock.advance(500);
    const block = '  e0        compiling\n  e1        in rotation\n';
    const up = '\u001b[2A\r\u001b[J';
    expect(output.written).toEqual([
      block,
      `${up}a remark\n`,
      block,
      `${up}${block}`,
      `${up}  e0        in rotation\n  e1        in rotation\n`,
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ['not on a terminal', 'auto', false, {}],
    ['for a build server', 'auto', true, { CI: 'true' }],
    ['on a terminal without a cursor', 'auto', true, { TERM: 'dumb' }],
    ['on request', 'plain', true, {}],
  ] as const)('is plain lines, each told once, %s', (_, style, isTTY, environment) => {
    const [output, clock] = [outputOf(isTTY), new FakeClock()];
    const view = createStartView(output, viewStyle(style, environment), clock);
    view.show(() => ({ setup: [DOWNLOAD], engines: [engine({})] }));
    for (const seconds of [12, 13]) {
      view.show(() => ({ setup: [], engines: [engine({ sentence: `starting for ${seconds} s: compiling` }), READY] }));
    }
    expect(output.written).toEqual([
      'download 50 %, 4.7 GiB of 9.3 GiB, 95 MiB/s, 50 s left: downloading openai/gpt-oss-20b\n',
      'e0: starting for 12 s: compiling (40 %, about 25 s left)\n',
      'e1: in rotation\n',
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is one JSON object a line on request', () => {
    const output = outputOf(true);
    const view = createStartView(output, viewStyle('json', {}), new FakeClock());
    view.print('a remark');
    view.show(() => ({ setup: [], engines: [READY] }));
    view.show(() => ({ setup: [], engines: [READY] }));
    expect(output.written.map((line) => JSON.parse(line) as object)).toEqual([
      { event: 'message', text: 'a remark' },
      {
        event: 'progress',
        setup: [],
        engines: [{ engineId: 'e1', phase: 'ready', sentence: 'in rotation', progress: null }],
      },
    ]);
  });
});
