import { formatCount, formatDuration } from '../domain/units.ts';

/** What one look at an engine showed of its work. */
export interface WorkSample {
  /** Requests whose streams wait for the engine. */
  readonly awaiting: number;
  /** Reads from it that brought tokens, over all its life. */
  readonly reads: number;
  /** What its metrics say; null when they were not asked for, or did not come. */
  readonly load: EngineLoad | null;
}

/** An engine's own account of its work. */
export interface EngineLoad {
  readonly running: number;
  readonly waiting: number;
  /** Another text after every step of the engine that did anything. */
  readonly mark: string;
}

/** What is remembered from look to look; times are monotonic. */
export interface WorkWatch {
  readonly reads: number;
  readonly mark: string | null;
  /** Nothing was awaited at the last look. */
  readonly idle: boolean;
  /** Since when nothing has moved although requests wait; the last look where none did. */
  readonly stillSinceMs: number;
  /** The last time it was seen to generate. */
  readonly lastTokenMs: number;
}

/** The watch over an engine that has just made a token. */
export function beginWatch(nowMs: number): WorkWatch {
  return { reads: 0, mark: null, idle: true, stillSinceMs: nowMs, lastTokenMs: nowMs };
}

/**
 * Takes a look into account. Progress is a read that brought tokens, of any stream, or a step of the engine (a long
 * prompt's computation, the work for others); while nothing is awaited none is expected.
 */
export function watchWork(
  watch: WorkWatch,
  { awaiting, reads, load }: WorkSample,
  nowMs: number,
): { readonly watch: WorkWatch; readonly moved: boolean } {
  const hasRead = reads !== watch.reads;
  const hasStepped = load !== null && watch.mark !== null && load.mark !== watch.mark;
  const [moved, idle] = [hasRead || hasStepped, awaiting === 0];
  return {
    moved,
    watch: {
      reads,
      idle,
      mark: idle ? null : (load?.mark ?? watch.mark),
      stillSinceMs: idle || moved ? nowMs : watch.stillSinceMs,
      lastTokenMs: hasRead ? nowMs : watch.lastTokenMs,
    },
  };
}

/** Why an engine counts as stalled, or null while it does not: requests wait, and for `deadlineMs` nothing has moved. */
export function stallReason(watch: WorkWatch, sample: WorkSample, nowMs: number, deadlineMs: number): string | null {
  const stillMs = nowMs - watch.stillSinceMs;
  if (sample.awaiting === 0 || stillMs < deadlineMs) return null;
  const requests = sample.awaiting === 1 ? '1 request' : `${formatCount(sample.awaiting)} requests`;
  const standing = `its scheduler stands still: ${sample.load?.waiting} wait in it and none runs`;
  const what = sample.load?.running === 0 && sample.load.waiting > 0 ? `${standing}, ` : 'it made no progress ';
  return `${what}for ${formatDuration(stillMs)}, with ${requests} in flight`;
}

/** The gauges and counters that the engine process reports with every step (vLLM's `v1/metrics/loggers.py`). */
const STEP_SERIES =
  /^vllm:(?:num_requests_(?:running|waiting)|kv_cache_usage_perc|num_preemptions_total|prompt_tokens_total|generation_tokens_total|iteration_tokens_total_count)(?:\{[^}\n]*\})? (\S+)$/gm;

/** Reads an engine's `/metrics`; null when the page does not tell. */
export function readLoad(page: string): EngineLoad | null {
  const rows = [...page.matchAll(STEP_SERIES)];
  const sum = (name: string): number | null => {
    const own = rows.filter(([row]) => row.startsWith(`vllm:${name}{`) || row.startsWith(`vllm:${name} `));
    return own.length === 0 ? null : own.reduce((total, [, value]) => total + Number(value), 0);
  };
  const [running, waiting] = [sum('num_requests_running'), sum('num_requests_waiting')];
  if (running === null || waiting === null) return null;
  return { running, waiting, mark: rows.map(([, value]) => value).join(' ') };
}
