import { readdirSync } from 'node:fs';
import { sleep } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { RunningChorus } from '../../test/support/chorus-process.ts';
import { residentBytes } from '../bench/usage.ts';
import type { Collector } from './collect-garbage.ts';

/** What a server holds when nobody asks it anything. */
export interface Resting {
  readonly inFlight: number;
  /** How long it took until nothing was in flight any more. */
  readonly idleAfterMs: number;
  readonly descriptors: number;
  /** After a collection of garbage: what is left is held. */
  readonly residentBytes: number;
}

/** A server and what is needed to look at it from outside. */
export interface Watched {
  readonly chorus: RunningChorus;
  /** Of the gateway's own process. */
  readonly pid: number;
  readonly collector: Collector;
}

/** Longer than idle connections to the engines are kept. */
const SETTLE_DEADLINE_MS = 15_000;
const POLL_MS = 20;

/** Open file descriptors of a process. */
export const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Waits until nothing is in flight and the descriptors are back, at most a few seconds, and says what is left. */
export async function settled({ chorus, pid, collector }: Watched, descriptorsBefore: number): Promise<Resting> {
  const startMs = systemClock.monotonicMs();
  let idleAfterMs = Number.NaN;
  for (;;) {
    const { engines } = await chorus.status();
    const inFlight = engines.reduce((sum, engine) => sum + engine.inFlight, 0);
    const descriptors = openDescriptors(pid);
    const passedMs = systemClock.monotonicMs() - startMs;
    if (inFlight === 0 && Number.isNaN(idleAfterMs)) idleAfterMs = passedMs;
    const done = inFlight === 0 && descriptors <= descriptorsBefore;
    if (done || passedMs > SETTLE_DEADLINE_MS) {
      await collector.collect();
      return { inFlight, idleAfterMs, descriptors, residentBytes: residentBytes(pid) };
    }
    await sleep(systemClock, POLL_MS);
  }
}
