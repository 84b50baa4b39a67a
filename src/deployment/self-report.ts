import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import { mayAnotherCome, mayServe, modelOutlook, type ModelOutlook } from '../engine/outlook.ts';
import type { GpuWatch } from '../gpu/gpu-watch.ts';
import type { ModelState, StatusReport } from '../gateway/reports.ts';
import type { WebhookStatus } from '../ledger/usage-webhook.ts';
import type { Pool } from '../pool/pool.ts';
import type { Outlook } from '../pool/select.ts';
import type { StoreReport } from '../responses/report-store.ts';
import type { Preparation } from '../setup/preparation.ts';
import type { AllEngines } from './all-engines.ts';
import type { Deployment } from './deployment.ts';
import type { Ending } from './ending.ts';

/** What a report is made from; everything is asked anew for each. */
export interface ReportSources {
  readonly version: string;
  readonly deployment: Pick<Deployment, 'plan' | 'cordoned' | 'roll'>;
  readonly engines: Pick<AllEngines, 'status'>;
  readonly pool: Pick<Pool, 'view' | 'anyReady'>;
  /** Null where no engine runs on cards. */
  readonly gpuWatch: Pick<GpuWatch, 'status'> | null;
  /** Null where nothing is to be set up. */
  readonly preparation: Pick<Preparation, 'steps' | 'state'> | null;
  readonly ending: Pick<Ending, 'isClosing' | 'noteReadinessAsked'>;
  readonly usageWebhook: () => WebhookStatus | null;
  readonly storeReport: () => Promise<StoreReport>;
  readonly url: () => string;
}

/** Whether requests can be answered now, in one sentence. */
export interface Readiness {
  readonly ready: boolean;
  readonly sentence: string;
}

/** What Chorus tells of itself: waiting requests, probes, `/models` and status pages hear the same. It changes nothing. */
export class SelfReport {
  readonly #sources: ReportSources;

  constructor(sources: ReportSources) {
    this.#sources = sources;
  }

  /** The engines are simulated: nobody's answers come from a model. */
  get simulated(): boolean {
    return this.#sources.deployment.plan.placements.some(({ kind }) => kind === 'simulated');
  }

  modelState(model: ModelId): ModelState {
    return {
      ...this.#outlook(model),
      contextTokens: this.#sources.pool.anyReady(model)?.maxModelLen ?? null,
      simulated: this.simulated && this.#sources.deployment.plan.model === model,
    };
  }

  /** Why a request for the model is refused, as a sentence; null where it is served, or may turn out to be. */
  whyNotServed(model: ModelId): string | null {
    const { deployment, engines } = this.#sources;
    const { plan } = deployment;
    if (plan.model === model) return null;
    const { state, sentence } = this.#outlook(model);
    const others = engines.status().filter((engine) => mayServe(engine, model));
    if (others.some((engine) => engine.model === model) || state === 'loading') return null;
    return others.length === 0 ? (plan.notServed[model] ?? plan.summary) : sentence;
  }

  /** What may become of a request for the model, as the pool wants to know it. */
  poolOutlook(model: ModelId): Outlook {
    const { state, sentence, progress } = this.#outlook(model);
    const mayBecomeReady = state === 'ready' || state === 'loading';
    const othersMayCome = mayBecomeReady && mayAnotherCome(model, this.#sources.engines.status());
    return { mayBecomeReady, othersMayCome, sentence, leftMs: progress?.leftMs ?? null };
  }

  readiness(): Readiness {
    const { model } = this.#sources.deployment.plan;
    const outlooks = (model === null ? MODEL_IDS : [model, ...MODEL_IDS]).map((each) => this.#outlook(each));
    const shown = outlooks.find(({ state }) => state === 'ready') ?? outlooks[0];
    return { ready: shown?.state === 'ready', sentence: shown?.sentence ?? '' };
  }

  /** The same for a probe: whoever asks wants to hear of the end before requests are refused. */
  answerProbe(): Readiness {
    this.#sources.ending.noteReadinessAsked();
    return this.readiness();
  }

  /**
   * Why only a new start of the container helps, as a sentence; null while anything else may. What runs on the cards
   * goes on when their devices are taken away: as long as it serves, nothing is ended for it.
   */
  whyRestart(): string | null {
    const problem = this.#sources.gpuWatch?.status.problem;
    if (problem?.code !== 'container_lost_devices' || this.#sources.ending.isClosing()) return null;
    return this.readiness().ready ? null : `${problem.message} ${problem.remedy}`;
  }

  async statusWithStore(): Promise<StatusReport> {
    return { ...this.status(), store: await this.#sources.storeReport() };
  }

  /** Without what the store holds, which takes an answer of its thread. */
  status(): Omit<StatusReport, 'store'> {
    const { version, deployment, pool, preparation, gpuWatch, usageWebhook, url } = this.#sources;
    const seats = new Map(pool.view().map((seat) => [seat.engineId, seat]));
    const { ready, sentence } = this.readiness();
    const engines = this.#sources.engines.status().map((engine) => {
      const { inFlight = 0, served = 0 } = seats.get(engine.engineId) ?? {};
      return { ...engine, inFlight, served };
    });
    const setup = preparation?.steps ?? [];
    const { plan, cordoned, roll } = deployment;
    const chorus = { version, pid: process.pid, url: url(), simulated: this.simulated };
    return {
      ...chorus,
      ready,
      reason: sentence,
      setup,
      engines,
      plan,
      cordoned,
      roll,
      gpuWatch: gpuWatch?.status ?? null,
      usageWebhook: usageWebhook(),
    };
  }

  #outlook(model: ModelId): ModelOutlook {
    const { ending, deployment, preparation, engines } = this.#sources;
    const { plan } = deployment;
    if (ending.isClosing()) return { state: 'failed', sentence: 'Chorus is shutting down.', progress: null };
    const setup = model === plan.model ? preparation?.state : null;
    const isServed = engines.status().some((engine) => engine.model === model && engine.phase === 'ready');
    if (setup && !isServed) return { state: 'loading', sentence: `${setup.sentence}.`, progress: setup.progress };
    const outlook = modelOutlook(model, plan, engines.status());
    if (model !== plan.model) return outlook;
    const outOfUse = deployment.cordoned.map(({ index, reason }) => `GPU ${index} is out of use: it ${reason}.`);
    return { ...outlook, sentence: [outlook.sentence, ...outOfUse].join(' ') };
  }
}
