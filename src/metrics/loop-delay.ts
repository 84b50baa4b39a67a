import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop came round, in milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The platform's own clockwork looks so often; what it records is the time from look to look. */
const RESOLUTION_MS = 20;
const NS_PER_MS = 1e6;

/** A look at the event loop's delay by the platform, which runs no JavaScript. Ends with `stop`. */
export class LoopDelayWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** Since the last call, less the platform's first look after it. All are 0 where nothing was recorded yet. */
  take(): LoopDelay {
    const histogram = this.#histogram;
    const late = (intervalNs: number): number => Math.max(0, intervalNs / NS_PER_MS - RESOLUTION_MS);
    const delay = {
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
    };
    histogram.reset();
    return delay;
  }

  stop(): void {
    this.#histogram.disable();
  }
}
