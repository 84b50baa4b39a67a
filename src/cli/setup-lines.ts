import type { Clock } from '../domain/clock.ts';
import { describeSetupProgress } from '../setup/explain-setup.ts';
import type { SetupProgress } from '../setup/setup-plan.ts';

/** Often enough to see that it goes on, seldom enough for a log. */
const LINE_MS = 5000;

/** Prints setup's progress as plain lines: news at once, figures every five seconds for each step. */
export class SetupLines {
  readonly #print: (line: string) => void;
  readonly #clock: Clock;
  readonly #printed = new Map<SetupProgress['step'], { readonly sentence: string; readonly atMs: number }>();

  constructor(print: (line: string) => void, clock: Clock) {
    this.#print = print;
    this.#clock = clock;
  }

  show(progress: SetupProgress): void {
    const { step } = progress;
    // A sentence that only counts on is no news.
    const sentence = progress.sentence.replaceAll(/[\d.]+( [KMG]iB)?/g, '…');
    const atMs = this.#clock.monotonicMs();
    const last = this.#printed.get(step);
    if (last !== undefined && last.sentence === sentence && atMs - last.atMs < LINE_MS) return;
    this.#printed.set(step, { sentence, atMs });
    this.#print(describeSetupProgress(progress));
  }
}
