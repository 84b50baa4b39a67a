import { Counter, Gauge, type Registry } from 'prom-client';
import type { LoopDelay } from './loop-delay.ts';

export interface ProcessViews {
  /** Of Chorus. */
  readonly version: string;
  /** How late the event loop came round since the last scrape. */
  readonly takeLoopDelay: () => LoopDelay;
  readonly sinceControlRoundMs: () => number;
}

/** What Chorus's own process is like. */
export class ProcessSeries {
  readonly #stalls;
  readonly #stalledSeconds;

  constructor(registry: Registry, { version, takeLoopDelay, sinceControlRoundMs }: ProcessViews) {
    const registers = [registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      const series: Gauge = new Gauge({ name, help, registers, collect: () => series.set(read()) });
    };
    new Gauge({ name: 'chorus_build_info', help: 'Always 1.', labelNames: ['version', 'node'], registers }).set(
      { version, node: process.versions.node },
      1,
    );
    const delay: Gauge<'quantile'> = new Gauge({
      name: 'chorus_event_loop_delay_seconds',
      help: 'How late the event loop came round since the last scrape; quantile 1 is the longest.',
      labelNames: ['quantile'],
      registers,
      collect: () => {
        const { p50Ms, p99Ms, maxMs } = takeLoopDelay();
        delay.set({ quantile: '0.5' }, p50Ms / 1000);
        delay.set({ quantile: '0.99' }, p99Ms / 1000);
        delay.set({ quantile: '1' }, maxMs / 1000);
      },
    });
    this.#stalls = new Counter({
      name: 'chorus_event_loop_stalls_total',
      help: 'How often the event loop stood still for 200 ms or longer.',
      registers,
    });
    this.#stalledSeconds = new Counter({
      name: 'chorus_event_loop_stalled_seconds_total',
      help: 'How long it stood still in these.',
      registers,
    });
    gauge(
      'chorus_control_loop_age_seconds',
      'Since the last good round of the supervision.',
      () => sinceControlRoundMs() / 1000,
    );
    gauge('process_start_time_seconds', 'When Chorus started, in Unix seconds.', () => performance.timeOrigin / 1000);
    gauge('process_resident_memory_bytes', "Chorus's own memory, engines not included.", () =>
      process.memoryUsage.rss(),
    );
    this.#countCpu(registry);
  }

  readonly stalled = (durationMs: number): void => {
    this.#stalls.inc();
    this.#stalledSeconds.inc(durationMs / 1000);
  };

  /** The platform counts it: what is here is a copy. */
  #countCpu(registry: Registry): void {
    const cpu: Counter = new Counter({
      name: 'process_cpu_seconds_total',
      help: "CPU time of Chorus's own process.",
      registers: [registry],
      collect: () => {
        const { user, system } = process.cpuUsage();
        cpu.reset();
        cpu.inc((user + system) / 1e6);
      },
    });
  }
}
