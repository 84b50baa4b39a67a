import { sleep, type Clock } from '../domain/clock.ts';
import { Refusal } from '../domain/refusal.ts';
import { formatDuration, formatTimeLeft } from '../domain/units.ts';
import type { EngineReport } from '../gateway/reports.ts';
import { estimateOf, withoutTimes } from './progress.ts';

const POLL_MS = 250;

/** What an engine is waited for, and what is said when it came. */
export interface EngineGoal {
  /** Null while it is not reached. Throws a `Refusal` when it will not be. */
  readonly reached: (engine: EngineReport, tookMs: number) => string | null;
  /** How long its answers may go on. */
  readonly drainMs: number;
}

export interface EngineWait {
  readonly clock: Clock;
  readonly ask: () => Promise<EngineReport>;
  readonly print: (line: string) => void;
}

/** Looks at an engine until it has reached the goal, and prints what happens to it on the way; gives its last report. */
export async function waitForEngine(
  { reached, drainMs }: EngineGoal,
  { clock, ask, print }: EngineWait,
): Promise<EngineReport> {
  const beganMs = clock.monotonicMs();
  let drainingSinceMs: number | null = null;
  let printed = '';
  for (;;) {
    const engine = await ask();
    const nowMs = clock.monotonicMs();
    const end = reached(engine, nowMs - beganMs);
    if (engine.phase === 'draining') drainingSinceMs ??= nowMs;
    const drainLeftMs = drainMs - (nowMs - (drainingSinceMs ?? nowMs));
    const step = end ?? describeStep(engine, drainLeftMs);
    if (withoutTimes(step) !== printed) print(`${engine.engineId}: ${step}${estimateOf(engine.progress)}`);
    printed = withoutTimes(step);
    if (end !== null) return engine;
    await sleep(clock, POLL_MS);
  }
}

function describeStep({ phase, inFlight, sentence }: EngineReport, drainLeftMs: number): string {
  if (phase !== 'draining') return sentence;
  const answers = inFlight === 1 ? '1 answer finishes' : `${inFlight} answers finish`;
  return `${answers} (${formatTimeLeft(drainLeftMs)} left)`;
}

/** Out of rotation, its process gone. */
export const stopped: EngineGoal['reached'] = ({ engineId, phase, sentence }, tookMs) => {
  if (phase === 'failed') throw new Refusal('unavailable', `${engineId}: ${sentence}`);
  if (phase !== 'stopped') return null;
  return `stopped after ${formatDuration(tookMs)}; \`chorus start ${engineId}\` starts it again`;
};

/** In rotation with a start later than `generation`. */
export const readyAfter =
  (generation: number, word: 'ready' | 'ready again'): EngineGoal['reached'] =>
  ({ engineId, phase, sentence, generation: current }, tookMs) => {
    if (current <= generation) return null;
    if (phase === 'failed') throw new Refusal('unavailable', `${engineId}: ${sentence}`);
    if (phase === 'backoff') throw new Refusal('temporary', `${engineId}: ${sentence}. Chorus goes on trying.`);
    return phase === 'ready' ? `${word} after ${formatDuration(tookMs)}` : null;
  };
