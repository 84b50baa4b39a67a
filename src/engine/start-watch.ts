import type { Clock } from '../domain/clock.ts';
import { readMilestone, START_PHASES, type StartPhase } from './milestones.ts';
import { estimateStart, type PhaseTimes, type Progress } from './start-estimate.ts';

/** One start from its spawn to readiness: its phase now, and how long each one took. */
export class StartWatch {
  readonly #clock: Clock;
  readonly #earlier: readonly PhaseTimes[];
  readonly #spawnedMs: number;
  readonly #times: Partial<Record<StartPhase, number>> = {};
  #phase: StartPhase = START_PHASES[0];
  #phaseSinceMs: number;
  #sentence: string | null = null;

  /** `earlier`: comparable starts, for the estimate. */
  constructor(clock: Clock, earlier: readonly PhaseTimes[]) {
    this.#clock = clock;
    this.#earlier = earlier;
    this.#spawnedMs = clock.monotonicMs();
    this.#phaseSinceMs = this.#spawnedMs;
  }

  /** What it does now, for people; null before the log says anything. */
  get sentence(): string | null {
    return this.#sentence;
  }

  get progress(): Progress {
    const nowMs = this.#clock.monotonicMs();
    const [inPhaseMs, elapsedMs] = [nowMs - this.#phaseSinceMs, nowMs - this.#spawnedMs];
    return estimateStart({ phase: this.#phase, inPhaseMs, elapsedMs }, this.#earlier);
  }

  /** Takes a line of the log; says whether it told something new. */
  note(line: string): boolean {
    const milestone = readMilestone(line);
    if (milestone === null || milestone.sentence === this.#sentence) return false;
    this.#sentence = milestone.sentence;
    if (START_PHASES.indexOf(milestone.phase) > START_PHASES.indexOf(this.#phase)) this.#enter(milestone.phase);
    return true;
  }

  /** How long each phase took, the one that ends now included. */
  finish(): PhaseTimes {
    this.#enter(this.#phase);
    return this.#times;
  }

  #enter(phase: StartPhase): void {
    const nowMs = this.#clock.monotonicMs();
    this.#times[this.#phase] = (this.#times[this.#phase] ?? 0) + Math.round(nowMs - this.#phaseSinceMs);
    this.#phase = phase;
    this.#phaseSinceMs = nowMs;
  }
}
