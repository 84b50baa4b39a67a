import type { Clock } from '../domain/clock.ts';
import type { UsageLedger, UsageRow } from '../store/usage-ledger.ts';
import type { TurnReport } from '../turn/turn-report.ts';

/** Counts, logs or charges a turn that has ended; returns at once and never throws. */
export type TurnListener = (report: TurnReport) => void;

export interface TurnEndsDeps {
  readonly clock: Clock;
  readonly listeners: readonly TurnListener[];
  /** Null where nothing can be recorded. */
  readonly ledger: Pick<UsageLedger, 'add'> | null;
  /** Whether it is the simulator that would answer, for turns that no engine was given. */
  readonly isSimulated: () => boolean;
  /** Told of every row that could not be brought to the disk, and why. */
  readonly onRowLost: (error: unknown) => void;
}

/**
 * The one place that hears of the end of every turn, whichever API asked for it: it tells whoever counts, logs or
 * charges, and sees to the turn's one row in the ledger.
 */
export class TurnEnds {
  readonly #deps: TurnEndsDeps;

  constructor(deps: TurnEndsDeps) {
    this.#deps = deps;
  }

  /**
   * Call it once a turn, when its end is known and before its client is told. Resolves when the row is on the disk, or
   * is known not to get there: until then the terminal event or the JSON answer waits; of an aborted turn nobody waits.
   * Never rejects.
   */
  async ended(report: TurnReport): Promise<void> {
    this.#tell(report);
    if (this.#deps.ledger === null) return;
    try {
      await this.#deps.ledger.add(this.#rowOf(report));
    } catch (error) {
      this.#deps.onRowLost(error);
    }
  }

  /**
   * In place of `ended` for a turn whose response is stored: `keep` brings the row to the disk together with it, after
   * which `report` is passed on. Rejects as `keep` does; then nothing is recorded, and the turn has not ended yet.
   */
  async endedWith(report: TurnReport, keep: (row: UsageRow) => Promise<void>): Promise<void> {
    await keep(this.#rowOf(report));
    this.#tell(report);
  }

  #tell(report: TurnReport): void {
    for (const listener of this.#deps.listeners) listener(report);
  }

  #rowOf(report: TurnReport): UsageRow {
    const { caller, firstOutputMs, durationMs } = report;
    return {
      id: report.id,
      endedAtMs: this.#deps.clock.nowMs(),
      project: caller.project,
      keyId: caller.keyId,
      api: report.api,
      model: report.model,
      isStream: report.isStream,
      outcome: report.outcome,
      error: report.error,
      isSimulated: report.isSimulated ?? this.#deps.isSimulated(),
      inputTokens: report.inputTokens,
      cachedTokens: report.cachedTokens,
      outputTokens: report.outputTokens,
      reasoningTokens: report.reasoningTokens,
      firstOutputMs: firstOutputMs === null ? null : Math.round(firstOutputMs),
      durationMs: Math.round(durationMs),
    };
  }
}
