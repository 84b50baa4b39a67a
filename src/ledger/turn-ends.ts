import type { TurnReport } from '../turn/turn-report.ts';

/** Counts, logs or charges a turn that has ended; returns at once and never throws. */
export type TurnListener = (report: TurnReport) => void;

/** The one place that hears of the end of every turn, whichever API asked for it, and passes it on. */
export class TurnEnds {
  readonly #listeners: readonly TurnListener[];

  constructor(listeners: readonly TurnListener[]) {
    this.#listeners = listeners;
  }

  /**
   * Call it once a turn, when its end is known and before its client is told. Resolves when the terminal event or the
   * JSON answer may go out; of an aborted turn nobody waits for it. Never rejects.
   */
  async ended(report: TurnReport): Promise<void> {
    for (const listener of this.#listeners) listener(report);
  }
}
