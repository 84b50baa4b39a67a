import { describe, expect, it } from 'vitest';
import {
  beginWatch,
  readLoad,
  stallReason,
  watchWork,
  type WorkSample,
  type WorkWatch,
} from '../../src/engine/work-watch.ts';

const DEADLINE_MS = 60_000;
const load = (mark: string, running = 1, waiting = 0): WorkSample['load'] => ({ mark, running, waiting });
const sample = (facts: Partial<WorkSample> = {}): WorkSample => ({ awaiting: 1, reads: 0, load: null, ...facts });

/** The watch after looks of one second apart, and the reason for a stall at the last one. */
function after(samples: readonly WorkSample[]): { readonly watch: WorkWatch; readonly stall: string | null } {
  let watch = beginWatch(0);
  let stall: string | null = null;
  for (const [index, each] of samples.entries()) {
    const nowMs = 1000 * (index + 1);
    ({ watch } = watchWork(watch, each, nowMs));
    stall = stallReason(watch, each, nowMs, DEADLINE_MS);
  }
  return { watch, stall };
}

const times = (count: number, make: (index: number) => WorkSample): WorkSample[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe('the watch over the work of an engine', () => {
  it('calls it stalled when requests wait and nothing has moved for the deadline, not before', () => {
    expect(after(times(59, () => sample())).stall).toBeNull();
    expect(after(times(60, () => sample({ awaiting: 3 }))).stall).toBe(
      'it made no progress for 60 s, with 3 requests in flight',
    );
  });

  it('takes any read of tokens for progress', () => {
    expect(after(times(200, (index) => sample({ reads: Math.floor(index / 50) }))).stall).toBeNull();
  });

  it('takes steps of the engine for progress where no token comes, as in a long prefill', () => {
    const prefill = times(200, (index) => sample({ load: load(`kv ${Math.floor(index / 50)}`) }));
    expect(after(prefill).stall).toBeNull();
  });

  it('is not misled by metrics that an engine repeats while it is frozen', () => {
    expect(after(times(60, () => sample({ load: load('same', 0, 0) }))).stall).toBe(
      'it made no progress for 60 s, with 1 request in flight',
    );
  });

  it('tells a scheduler that lets everybody wait', () => {
    expect(after(times(60, () => sample({ load: load('same', 0, 7) }))).stall).toBe(
      'its scheduler stands still: 7 wait in it and none runs, for 60 s, with 1 request in flight',
    );
  });

  it('expects nothing while nothing is awaited, and begins anew with the next request', () => {
    const idle = times(600, () => sample({ awaiting: 0, load: load('same', 0, 0) }));
    expect(after(idle).stall).toBeNull();
    expect(after([...idle, ...times(59, () => sample())]).stall).toBeNull();
    expect(after([...idle, ...times(60, () => sample())]).stall).not.toBeNull();
  });

  it('does not take the first sight of the metrics for a step', () => {
    const late = [...times(30, () => sample()), ...times(30, () => sample({ load: load('same') }))];
    expect(after(late).stall).toBe('it made no progress for 60 s, with 1 request in flight');
  });

  it('remembers when it last saw tokens', () => {
    expect(
      after([sample({ reads: 5 }), sample({ reads: 5 }), sample({ reads: 6 }), sample({ reads: 6 })]).watch,
    ).toEqual({
      reads: 6,
      mark: null,
      idle: false,
      stillSinceMs: 3000,
      lastTokenMs: 3000,
    });
  });
});

describe('the metrics of an engine', () => {
  const page = (running: number, tokens: number, usage: number): string => `
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="gpt-oss-20b"} ${running}.0
vllm:num_requests_running{engine="1",model_name="gpt-oss-20b"} 1.0
vllm:num_requests_waiting{engine="0",model_name="gpt-oss-20b"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="gpt-oss-20b",reason="capacity"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="gpt-oss-20b"} ${usage}
vllm:generation_tokens_total{engine="0",model_name="gpt-oss-20b"} ${tokens}.0
vllm:generation_tokens_created{engine="0",model_name="gpt-oss-20b"} 1.7e+09
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="gpt-oss-20b"} 9.0
vllm:iteration_tokens_total_count{engine="0",model_name="gpt-oss-20b"} 12.0
http_requests_total{handler="/metrics"} ${Math.random()}
`;

  it('tell what runs and waits, over all its ranks', () => {
    expect(readLoad(page(3, 0, 0))).toMatchObject({ running: 4, waiting: 2 });
  });

  it('have another mark after every step, and the same one without', () => {
    const mark = (text: string): string | undefined => readLoad(text)?.mark;
    expect(mark(page(1, 5, 0.25))).toBe(mark(page(1, 5, 0.25)));
    expect(new Set([page(1, 5, 0.25), page(1, 6, 0.25), page(1, 5, 0.26), page(2, 5, 0.25)].map(mark)).size).toBe(4);
  });

  it('tell nothing when the page is another one', () => {
    expect(readLoad('{"detail":"Not Found"}')).toBeNull();
  });

  it('are read in no time where no line is whole', () => {
    const begunMs = performance.now();
    expect(readLoad('vllm:num_requests_running{\n'.repeat(36_000))).toBeNull();
    expect(performance.now() - begunMs).toBeLessThan(5000);
  });
});
