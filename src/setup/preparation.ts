import type { Progress } from '../engine/start-estimate.ts';
import { describeSetupProgress } from './explain-setup.ts';
import type { SetupRun } from './setup.ts';
import type { SetupProgress, SetupResult } from './setup-plan.ts';

/** Installs and downloads; `runSetup` over a plan. */
export type PrepareEngines = (run: SetupRun) => Promise<SetupResult>;

/** The setup inside a running server: what it does now, and its end. */
export class Preparation {
  readonly #prepare: PrepareEngines;
  readonly #onChange: () => void;
  readonly #stop = new AbortController();
  readonly #steps = new Map<SetupProgress['step'], SetupProgress>();
  #work: Promise<SetupResult> | null = null;
  #isRunning = false;

  constructor(prepare: PrepareEngines, onChange: () => void) {
    this.#prepare = prepare;
    this.#onChange = onChange;
  }

  /** Resolves with what engines are started with, or with null when it was stopped; rejects with its failure. */
  async run(): Promise<SetupResult | null> {
    this.#isRunning = true;
    try {
      this.#work = this.#prepare({ signal: this.#stop.signal, onProgress: (step) => this.#note(step) });
      return await this.#work;
    } catch (error) {
      if (this.#stop.signal.aborted) return null;
      throw error;
    } finally {
      this.#isRunning = false;
      this.#onChange();
    }
  }

  /** Ends its child processes. Resolves when none is left; what was finished stays. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('Chorus is shutting down'));
    await this.#work?.catch(() => undefined);
  }

  /** The steps as they were last told; empty before and after. */
  get steps(): readonly SetupProgress[] {
    return this.#isRunning ? [...this.#steps.values()] : [];
  }

  /**
   * What happens now, or null when nothing is being set up. The progress is that of the download, if there is one: it
   * is the longer step, and the installers do not say how much is to come. Its time left is the download's alone; what
   * an engine takes after it is added by nobody.
   */
  get state(): { readonly sentence: string; readonly progress: Progress | null } | null {
    if (!this.#isRunning) return null;
    const steps = this.steps.filter(({ fraction }) => fraction !== 1);
    const shown = steps.find(({ fraction }) => fraction !== null) ?? steps[0];
    const sentence = steps.length === 0 ? 'preparing' : steps.map(describeSetupProgress).join('; ');
    if (shown === undefined) return { sentence, progress: null };
    const { step, fraction, leftMs } = shown;
    const percent = fraction === null ? null : Math.min(99, Math.floor(100 * fraction));
    return { sentence, progress: { phase: step, percent, leftMs } };
  }

  #note(progress: SetupProgress): void {
    this.#steps.set(progress.step, progress);
    this.#onChange();
  }
}
