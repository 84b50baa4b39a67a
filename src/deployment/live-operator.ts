import type { Clock } from '../domain/clock.ts';
import { CodedError } from '../domain/errors.ts';
import { Refusal } from '../domain/refusal.ts';
import type { EngineOrder, LogWish, Operator } from '../gateway/operator.ts';
import type { EngineReport } from '../gateway/reports.ts';
import { engineLog, logSources } from '../logs/log-files.ts';
import { readLogs, type LogLine } from '../logs/read-logs.ts';
import type { AllEngines } from './all-engines.ts';
import type { CordonedGpu, Deployment, ReloadReport } from './deployment.ts';
import type { SelfReport } from './self-report.ts';

export interface OperatorDeps {
  readonly engines: Pick<AllEngines, 'drain' | 'restart' | 'startEngine'>;
  readonly deployment: Pick<Deployment, 'options' | 'cordoned' | 'reload'>;
  readonly report: Pick<SelfReport, 'status'>;
  readonly clock: Clock;
  /** Aborts when Chorus begins to end: from then on nothing is begun, and who follows a log is let go. */
  readonly ending: AbortSignal;
}

/** Hears that a reload begins and how it ended, well or not. */
export interface ReloadListener {
  reloading(): void;
  reloaded(sentence: string): void;
}

/** Carries out what an operator asks for. */
export class LiveOperator implements Operator {
  readonly #deps: OperatorDeps;
  #reloads: ReloadListener | null = null;

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
  }

  /** Who is told of every reload; null: nobody. */
  announceReloads(listener: ReloadListener | null): void {
    this.#reloads = listener;
  }

  drain(engineId: string): EngineOrder {
    const order = this.#order(engineId);
    void this.#deps.engines.drain(engineId, order.drainMs);
    return order;
  }

  restart(engineId: string): EngineOrder {
    const order = this.#startable(engineId);
    void this.#deps.engines.restart(engineId, order.drainMs);
    return order;
  }

  start(engineId: string): EngineOrder {
    const order = this.#startable(engineId);
    void this.#deps.engines.startEngine(engineId);
    return order;
  }

  engine(engineId: string): EngineReport {
    const { engines } = this.#deps.report.status();
    const engine = engines.find((one) => one.engineId === engineId);
    if (engine !== undefined) return engine;
    throw unknownEngine(
      engineId,
      engines.map((one) => one.engineId),
    );
  }

  async reload(): Promise<ReloadReport> {
    this.#refuseAtTheEnd();
    this.#reloads?.reloading();
    try {
      const report = await this.#deps.deployment.reload();
      this.#reloads?.reloaded('The settings were read again.');
      return report;
    } catch (cause) {
      this.#reloads?.reloaded('The settings were read again and not taken over.');
      if (!(cause instanceof Refusal)) throw cause;
      throw new CodedError('reload_refused', `Nothing is changed. ${cause.message}`, { cause });
    }
  }

  logs(engineId: string, { count, follow, signal }: LogWish): AsyncGenerator<LogLine> {
    const { deployment, clock, ending } = this.#deps;
    const { stateDir } = deployment.options;
    // An engine that is no longer in the plan has a log all the same.
    const names = logSources(stateDir).map(({ name }) => name);
    const engine = this.#deps.report.status().engines.find((one) => one.engineId === engineId);
    if (engine?.kind === 'remote') throw loggedElsewhere(engine);
    if (!names.includes(engineId)) throw unknownEngine(engineId, names);
    const sources = [engineLog(stateDir, engineId)];
    return readLogs({ sources: () => sources, count, follow, clock, signal: AbortSignal.any([signal, ending]) });
  }

  #order(engineId: string): EngineOrder {
    this.#refuseAtTheEnd();
    return { before: this.engine(engineId), drainMs: this.#deps.deployment.options.drainMs };
  }

  #startable(engineId: string): EngineOrder {
    const order = this.#order(engineId);
    const isOurs = ({ uuid }: CordonedGpu): boolean => order.before.gpus.some((gpu) => gpu.uuid === uuid);
    const card = this.#deps.deployment.cordoned.find(isOurs);
    if (card === undefined) return order;
    const message = `${engineId} needs GPU ${card.index}, which is out of use: it ${card.reason}. ${card.remedy} Then reload.`;
    throw new CodedError('card_out_of_use', message);
  }

  #refuseAtTheEnd(): void {
    if (this.#deps.ending.aborted) throw new CodedError('shutting_down', 'Chorus is shutting down.');
  }
}

function loggedElsewhere({ engineId, host }: EngineReport): CodedError {
  const message = `${engineId} runs elsewhere (${host}), and so does its log. What Chorus sees of it is in chorus.log.`;
  return new CodedError('not_found', message, { param: 'engine' });
}

function unknownEngine(engineId: string, known: readonly string[]): CodedError {
  const there = known.length === 0 ? 'There is none' : `There are ${known.join(', ')}`;
  return new CodedError('not_found', `There is no engine '${engineId.slice(0, 80)}'. ${there}.`, { param: 'engine' });
}
