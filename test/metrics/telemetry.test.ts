import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import type { Telemetry, TelemetryOptions } from '../../src/metrics/telemetry.ts';
import type { TurnReport } from '../../src/turn/turn-report.ts';
import { eventually } from '../support/eventually.ts';
import { startTelemetry } from '../support/telemetry.ts';

const REPORT: TurnReport = {
  id: 'resp_1',
  api: 'responses',
  caller: { project: 'p', keyId: null },
  model: 'gpt-oss-20b',
  isStream: true,
  outcome: 'completed',
  error: null,
  isSimulated: false,
  inputTokens: 100,
  cachedTokens: 64,
  outputTokens: 30,
  reasoningTokens: 10,
  firstOutputMs: 150.4,
  durationMs: 900.6,
};

/** As it stands in the log. */
const { caller, ...numbers } = REPORT;
const SPREAD = { ...numbers, ...caller };

let running: Telemetry | null = null;

afterEach(() => running?.stop());

function setUp(overrides: Partial<TelemetryOptions> = {}): { telemetry: Telemetry; lines: object[] } {
  const lines: object[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as object);
      done();
    },
  });
  const logger = pino({ level: 'debug', base: null, timestamp: false }, sink);
  running = startTelemetry({ logger, ...overrides });
  return { telemetry: running, lines };
}

/** The samples of a page, without comments, as `name{labels} value`. */
const samplesOf = async (telemetry: Telemetry, name: string): Promise<string[]> =>
  (await telemetry.metrics.page()).split('\n').filter((line) => line.startsWith(name));

it('counts a pause of the event loop, and logs how long it was', async () => {
  const { telemetry, lines } = setUp();
  expect(await samplesOf(telemetry, 'chorus_event_loop_stalls_total')).toEqual(['chorus_event_loop_stalls_total 0']);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const isPause = (line: object): boolean => 'durationMs' in line && (line.durationMs as number) >= 250;
  const line = await eventually('the line about the pause', 5000, () => lines.find(isPause) ?? null);
  expect(line).toEqual({ level: 40, durationMs: expect.any(Number), msg: 'the event loop stood still' });
  const [stalls] = await samplesOf(telemetry, 'chorus_event_loop_stalls_total');
  expect(Number(stalls?.split(' ')[1])).toBeGreaterThanOrEqual(1);
  const quantiles = await samplesOf(telemetry, 'chorus_event_loop_delay_seconds');
  expect(quantiles.map((sample) => sample.split(' ')[0])).toEqual(
    ['0.5', '0.99', '1'].map((quantile) => `chorus_event_loop_delay_seconds{quantile="${quantile}"}`),
  );
});

it('says at debug what came of a response, and at warn when the server failed it', () => {
  const { telemetry, lines } = setUp();
  telemetry.onTurnEnd(REPORT);
  telemetry.onTurnEnd({ ...REPORT, outcome: 'failed', error: 'context_length_exceeded', firstOutputMs: null });
  telemetry.onTurnEnd({ ...REPORT, outcome: 'failed', error: 'engine_failed' });
  expect(lines).toEqual([
    { level: 20, msg: 'turn', ...SPREAD, firstOutputMs: 150, durationMs: 901 },
    expect.objectContaining({ level: 20, error: 'context_length_exceeded', firstOutputMs: null }),
    expect.objectContaining({ level: 40, error: 'engine_failed' }),
  ]);
});

it('counts responses, their tokens and their times', async () => {
  const { telemetry } = setUp();
  telemetry.onTurnEnd(REPORT);
  telemetry.onTurnEnd({ ...REPORT, isStream: false });
  telemetry.onTurnEnd({ ...REPORT, outcome: 'failed', error: 'engine_failed', firstOutputMs: null });
  const page = await telemetry.metrics.page();
  const told = (sample: string): void => expect(page.split('\n')).toContain(sample);
  told('chorus_responses_total{api="responses",model="gpt-oss-20b",mode="stream",outcome="completed"} 1');
  told('chorus_responses_total{api="responses",model="gpt-oss-20b",mode="json",outcome="completed"} 1');
  told('chorus_responses_total{api="responses",model="gpt-oss-20b",mode="stream",outcome="failed"} 1');
  told('chorus_response_failures_total{model="gpt-oss-20b",error="engine_failed"} 1');
  told('chorus_input_tokens_total{model="gpt-oss-20b"} 300');
  told('chorus_cached_input_tokens_total{model="gpt-oss-20b"} 192');
  told('chorus_output_tokens_total{model="gpt-oss-20b"} 90');
  told('chorus_reasoning_tokens_total{model="gpt-oss-20b"} 30');
  told('chorus_time_to_first_token_seconds_bucket{le="0.2",model="gpt-oss-20b"} 1');
  told('chorus_time_to_first_token_seconds_count{model="gpt-oss-20b"} 1');
  told('chorus_response_duration_seconds_count{model="gpt-oss-20b",mode="stream"} 2');
});

it('tells the APIs that answered apart', async () => {
  const { telemetry } = setUp();
  for (const api of ['responses', 'chat', 'chat', 'completions', 'generate'] as const) {
    telemetry.onTurnEnd({ ...REPORT, api });
  }
  expect(await samplesOf(telemetry, 'chorus_responses_total')).toEqual(
    [
      ['responses', 1],
      ['chat', 2],
      ['completions', 1],
      ['generate', 1],
    ].map(
      ([api, count]) =>
        `chorus_responses_total{api="${api}",model="gpt-oss-20b",mode="stream",outcome="completed"} ${count}`,
    ),
  );
});

it('leaves the words of an engine out of the line about an attempt that failed', async () => {
  const { telemetry, lines } = setUp();
  const reason = 'engine_error: cannot parse "my secret prompt"';
  const event = { requestId: 'resp_1', engineId: 'engine-0', outcome: 'moved', cause: 'engine_error' } as const;
  telemetry.onAttemptFailed({ ...event, status: 500, outputTokens: 12, suspectHash: null, reason });
  expect(lines).toEqual([
    { level: 40, msg: 'attempt failed', ...event, status: 500, outputTokens: 12, suspectHash: null },
  ]);
  expect(await samplesOf(telemetry, 'chorus_failed_attempts_total')).toEqual([
    'chorus_failed_attempts_total{cause="engine_error",outcome="moved"} 1',
  ]);
});

it('counts what happens to engines by words of a finite set', async () => {
  const { telemetry } = setUp();
  const about = { engineId: 'engine-0', generation: 1, atMs: 0 };
  const reason = 'a sentence';
  telemetry.onEngineEvent({ ...about, kind: 'started' });
  telemetry.onEngineEvent({ ...about, kind: 'ready', startMs: 12_000 });
  telemetry.onEngineEvent({ ...about, kind: 'ejected', cause: 'stalled', reason });
  telemetry.onEngineEvent({ ...about, kind: 'recovered', outMs: 10 });
  const failure = { failureClass: 'crash', code: 'crashed', reason } as const;
  telemetry.onEngineEvent({ ...about, kind: 'restarting', delayMs: 10, ...failure });
  telemetry.onEngineEvent({ ...about, kind: 'failed', ...failure });
  expect([
    ...(await samplesOf(telemetry, 'chorus_engine_ejections_total')),
    ...(await samplesOf(telemetry, 'chorus_engine_recoveries_total')),
    ...(await samplesOf(telemetry, 'chorus_engine_restarts_total')),
    ...(await samplesOf(telemetry, 'chorus_engine_failures_total')),
    ...(await samplesOf(telemetry, 'chorus_engine_start_seconds_sum')),
  ]).toEqual([
    'chorus_engine_ejections_total{replica="engine-0",cause="stalled"} 1',
    'chorus_engine_recoveries_total{replica="engine-0"} 1',
    'chorus_engine_restarts_total{replica="engine-0",class="crash"} 1',
    'chorus_engine_failures_total{replica="engine-0",code="crashed"} 1',
    'chorus_engine_start_seconds_sum{replica="engine-0"} 12',
  ]);
});

it('names the cards that are not used, and forgets them when they are used again', async () => {
  const cards = [{ index: 1, uuid: 'GPU-1', code: 'xid_79' }];
  const { telemetry } = setUp({ cordonedGpus: () => cards });
  const line = 'chorus_gpu_cordoned{gpu="1",uuid="GPU-1",code="xid_79"} 1';
  expect(await samplesOf(telemetry, 'chorus_gpu_cordoned')).toEqual([line]);
  cards.pop();
  expect(await samplesOf(telemetry, 'chorus_gpu_cordoned')).toEqual([]);
});
