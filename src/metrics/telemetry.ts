import type { Clock } from '../domain/clock.ts';
import type { LifecycleEvent } from '../engine/lifecycle-event.ts';
import type { Logger } from '../system/logger.ts';
import type { AttemptFailed } from '../turn/after-failure.ts';
import type { TurnReport } from '../turn/turn-report.ts';
import { ControlLoop } from './control-loop.ts';
import { LoopDelayWatch } from './loop-delay.ts';
import { Metrics, type MetricsOptions } from './metrics.ts';
import { logRequest, logTurn, type RequestReport } from './request-log.ts';
import { StallWatch } from './stall-watch.ts';

const ROW_LOST_LINE_MS = 60_000;

export interface TelemetryOptions extends Omit<MetricsOptions, 'takeLoopDelay' | 'sinceControlRoundMs'> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A look at all that is supervised; it throws where something is broken. */
  readonly round: () => void;
}

/** Everything that watches Chorus itself: what it is told goes to the metrics and into the log. */
export class Telemetry {
  readonly metrics: Metrics;
  readonly control: ControlLoop;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #loopDelay = new LoopDelayWatch();
  readonly #stalls: StallWatch;
  #nextRowLostLineMs = -Infinity;

  constructor(options: TelemetryOptions) {
    const { clock, logger, round } = options;
    this.#clock = clock;
    this.#logger = logger;
    const onFailure = (err: unknown): void => logger.error({ err }, 'the round of the supervision failed');
    this.control = new ControlLoop({ clock, round, onFailure });
    this.#stalls = new StallWatch(clock, (durationMs) => this.#onStall(durationMs));
    this.metrics = new Metrics({
      ...options,
      takeLoopDelay: () => this.#loopDelay.take(),
      sinceControlRoundMs: () => this.control.sinceRoundMs(),
    });
  }

  /** From here on the event loop is watched: what building everything took is no stall. */
  start(): void {
    this.#loopDelay.take();
    this.#stalls.start();
    this.control.start();
  }

  stop(): void {
    this.control.stop();
    this.#stalls.stop();
    this.#loopDelay.stop();
  }

  readonly onRequestEnd = (report: RequestReport): void => {
    this.metrics.requests.answered(report);
    logRequest(this.#logger, report);
  };

  readonly onTurnEnd = (report: TurnReport): void => {
    this.metrics.requests.turnEnded(report);
    logTurn(this.#logger, report);
  };

  /** On a full disk every turn loses one: the counter tells of all, the log once a minute. */
  readonly onUsageRowLost = (err: unknown): void => {
    this.metrics.usage.rowLost();
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextRowLostLineMs) return;
    this.#nextRowLostLineMs = nowMs + ROW_LOST_LINE_MS;
    this.#logger.warn({ err }, 'usage is not recorded; chorus_usage_rows_lost_total counts the requests');
  };

  readonly onUsageWebhookFailed = (reason: string): void => {
    this.metrics.usage.webhookFailed();
    this.#logger.warn({ reason }, 'the webhook has not taken usage; it is posted again');
  };

  /** The engine's own words (`reason`) are left out of the log: they may quote the request. */
  readonly onAttemptFailed = (event: AttemptFailed): void => {
    this.metrics.requests.attemptFailed(event);
    const { requestId, engineId, outcome, cause, status, outputTokens, suspectHash } = event;
    const said = { requestId, engineId, outcome, cause, status, outputTokens, suspectHash };
    this.#logger.warn(said, 'attempt failed');
  };

  /** The engine itself writes the line in the log. */
  readonly onEngineEvent = (event: LifecycleEvent): void => this.metrics.engines.happened(event);

  #onStall(durationMs: number): void {
    this.metrics.process.stalled(durationMs);
    this.#logger.warn({ durationMs: Math.round(durationMs) }, 'the event loop stood still');
  }
}
