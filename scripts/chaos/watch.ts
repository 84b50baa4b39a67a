import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import { request } from 'undici';
import { valueOf } from '../../test/support/prometheus.ts';
import { residentBytes } from '../bench/usage.ts';
import type { Service } from './service.ts';

const INTERVAL_MS = 1000;

/** Looks at Chorus from outside once a second: its memory, and how long it takes to say that it lives. */
export class Watch {
  readonly #service: Service;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #residentBytes: number[] = [];
  #answerMs: number[] = [];

  constructor(service: Service) {
    this.#service = service;
    this.#running = this.#run();
  }

  /** Samples since the last `begin`, oldest first. */
  get residentBytes(): readonly number[] {
    return this.#residentBytes;
  }

  /** Times that `/livez` took since the last `begin`. */
  get answerMs(): readonly number[] {
    return this.#answerMs;
  }

  /** How often the event loop has stood still, and for how long in all, as Chorus counts it. */
  async stalls(): Promise<string> {
    const { body } = await request(`${this.#service.chorus.url}/metrics`);
    const page = await body.text();
    const count = valueOf(page, 'chorus_event_loop_stalls_total');
    const seconds = valueOf(page, 'chorus_event_loop_stalled_seconds_total');
    return `the event loop stood still ${count} times, ${seconds.toFixed(1)} s in all`;
  }

  /** Forgets what was seen: another process, or another part of the run. */
  begin(): void {
    this.#residentBytes = [];
    this.#answerMs = [];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (!this.#service.isDown) await this.#look().catch(() => {});
      await sleep(systemClock, INTERVAL_MS, signal);
    }
  }

  async #look(): Promise<void> {
    const startMs = systemClock.monotonicMs();
    const { body } = await request(`${this.#service.chorus.url}/livez`);
    await body.dump();
    this.#answerMs.push(systemClock.monotonicMs() - startMs);
    this.#residentBytes.push(residentBytes(this.#service.pid));
  }
}
