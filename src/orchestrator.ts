import { Access } from './access/access.ts';
import { readSeal } from './access/seal.ts';
import { optionsOf } from './config/load-config.ts';
import { isPublicBind, type ServeOptions } from './config/options.ts';
import type { AllEngines } from './deployment/all-engines.ts';
import { buildEngines } from './deployment/build-engines.ts';
import { buildLedger, buildSweep } from './deployment/build-ledger.ts';
import { buildPool } from './deployment/build-pool.ts';
import { buildTelemetry } from './deployment/build-telemetry.ts';
import type { ChorusDeps } from './deployment/chorus-deps.ts';
import { Deployment, type InitialDeployment, type ReloadReport } from './deployment/deployment.ts';
import { Ending } from './deployment/ending.ts';
import { LiveOperator, type ReloadListener } from './deployment/live-operator.ts';
import { SelfReport } from './deployment/self-report.ts';
import { watchGpus } from './deployment/watch-gpus.ts';
import type { Plan } from './domain/placement.ts';
import type { Fleet } from './engine/fleet.ts';
import { buildApp, type Gateway } from './gateway/app.ts';
import { closeGateway, leaveListener } from './gateway/close-gateway.ts';
import { listen } from './gateway/listen.ts';
import type { StatusReport } from './gateway/reports.ts';
import type { GpuWatch } from './gpu/gpu-watch.ts';
import { createVocabulary } from './harmony/vocabulary.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Telemetry } from './metrics/telemetry.ts';
import { spellLogprob } from './responses/logprobs.ts';
import { reportStore } from './responses/report-store.ts';
import type { RetentionSweep } from './store/retention-sweep.ts';
import type { Pool } from './pool/pool.ts';
import { Preparation } from './setup/preparation.ts';
import { notPrepared } from './setup/not-prepared.ts';
import { removeServerRecord, writeServerRecord } from './system/state-directory.ts';
import { chorusVersion } from './system/version.ts';
import { readVocabulary } from './system/vocabulary.ts';
import { PromptEncoder } from './turn/prompt-encoder.ts';
import { Suspects } from './turn/suspects.ts';
import { createUpstream, type Upstream } from './upstream/upstream.ts';

/** Of an engine that is out of rotation; for one in rotation the watch over its work has a deadline of its own. */
const STALL_TIMEOUT_MS = 120_000;
/** Said to probes where the control loop does not move. */
const NO_ROUNDS = 'The supervision of the engines makes no rounds any more.';
/** Encodings of recent texts, for follow-ups: about 32 MB. */
const CACHED_PROMPT_BYTES = 64_000_000;

/**
 * The composition root: builds everything from the options and the plan. Nothing starts before `start`; after `stop`
 * or `kill` no process of it is left.
 */
export class Orchestrator {
  readonly access: Access;
  /** Empty before the listener is open. */
  url = '';
  readonly #deps: ChorusDeps;
  readonly #deployment: Deployment;
  readonly #suspects: Suspects;
  readonly #pool: Pool;
  readonly #upstream: Upstream;
  readonly #fleet: Fleet;
  readonly #engines: AllEngines;
  readonly #sweep: RetentionSweep | null;
  readonly #app: Gateway;
  readonly #preparation: Preparation | null;
  readonly #gpuWatch: GpuWatch | null;
  readonly #report: SelfReport;
  readonly #telemetry: Telemetry;
  readonly #ledger: Ledger;
  readonly #operator: LiveOperator;
  readonly #listeners = new Set<() => void>();
  readonly #ending: Ending;
  /** The one end of everything, once it has begun. */
  #closed: Promise<void> | null = null;

  constructor(initial: InitialDeployment, deps: ChorusDeps) {
    const { clock, logger, prepare, readConfig, plan } = deps;
    this.#deps = deps;
    this.#ending = new Ending(clock);
    this.#suspects = new Suspects(clock);
    const inUse = (): ServeOptions => this.#deployment.options;
    const [options, onChange] = [optionsOf(initial.settings), (): void => this.#changed()];
    this.#pool = buildPool(inUse, {
      clock,
      outlook: (model) => this.#report.poolOutlook(model),
      onEngineEnded: (replicaKey) => this.#suspects.engineEnded(replicaKey),
    });
    this.#engines = buildEngines(options, inUse, deps, {
      placements: initial.plan.placements,
      pool: this.#pool,
      onEngineEvent: (event) => this.#telemetry.onEngineEvent(event),
      onChange,
    });
    this.#fleet = this.#engines.fleet;
    const onRemoteFailure = this.#engines.remotes.noteFailure;
    const isWatched = (engineId: string): boolean => this.#engines.isInRotation(engineId);
    this.#upstream = createUpstream({ clock, stallTimeoutMs: STALL_TIMEOUT_MS, isWatched, onRemoteFailure });
    this.#gpuWatch = deps.gpuSight && watchGpus(deps.gpuSight, () => this.#deployment);
    const forgive = (uuid: string): void => this.#gpuWatch?.forgive(uuid);
    const isPreparing = (): boolean => (this.#preparation?.state ?? null) !== null;
    const changes = { readConfig, plan, roster: this.#fleet, forgive, isPreparing };
    this.#deployment = new Deployment(initial, { ...changes, clock, logger, onChange });
    this.access = new Access({ ...this.#deployment.options, isPublic: isPublicBind(deps.listener.host), clock });
    this.#sweep = buildSweep(deps, this.#deployment);
    this.#preparation = prepare && new Preparation(prepare, onChange);
    this.#report = this.#buildReport();
    const watched = { engines: this.#engines, pool: this.#pool, deployment: this.#deployment, report: this.#report };
    this.#telemetry = buildTelemetry(deps, watched);
    const isSimulated = (): boolean => this.simulated;
    const parts = { deployment: this.#deployment, telemetry: this.#telemetry, isSimulated };
    this.#ledger = buildLedger(deps, parts, [this.access.limits.charge]);
    this.#operator = new LiveOperator({ ...watched, clock, ending: this.#ending.begun });
    this.#app = this.#buildGateway();
  }

  /** What runs where. */
  get plan(): Plan {
    return this.#deployment.plan;
  }

  get simulated(): boolean {
    return this.#report.simulated;
  }

  /** How long a stop lets answers go on. */
  get drainMs(): number {
    return this.#deployment.options.drainMs;
  }

  /**
   * Opens the listener and gives what follows as `prepared`: it resolves when the engines are being started, and rejects
   * when what they need cannot be installed or downloaded. Throws a `Refusal` when the address is taken.
   */
  async start(): Promise<{ readonly prepared: Promise<void> }> {
    this.url = await listen(this.#app, this.#deps.listener);
    const { stateDir } = this.#deployment.options;
    const announce = (): void => writeServerRecord(stateDir, { url: this.url, keyFile: this.access.adminKeyFile });
    this.access.onGuarded(announce);
    announce();
    this.#telemetry.start();
    this.#ledger.start();
    this.#gpuWatch?.start();
    this.#engines.remotes.start();
    return { prepared: this.#launch() };
  }

  /** Tells `listener` of every reload, whoever asks for it; null: nobody is told. */
  announceReloads(listener: ReloadListener | null): void {
    this.#operator.announceReloads(listener);
  }

  /** Reads the settings again; rejects with a `CodedError` that says what is wrong with them, and changes nothing then. */
  reload(): Promise<ReloadReport> {
    return this.#operator.reload();
  }

  /**
   * Ends streams in order, then engines, then the listener: within the drain time and some 20 seconds, whatever
   * connections clients keep open. Calls after the first give the same promise.
   */
  stop(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** The second signal: engines are killed and connections closed at once, also while a `stop` waits. */
  kill(): Promise<void> {
    this.#ending.hurry();
    const closed = this.stop();
    void this.#engines.kill();
    return closed;
  }

  /** Whether the control loop moves. */
  isAlive(): boolean {
    return this.#telemetry.control.isAlive();
  }

  /** Calls `listener` whenever `status` shows something else. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Without what the store holds, which takes an answer of its thread. */
  status(): Omit<StatusReport, 'store'> {
    return this.#report.status();
  }

  async #launch(): Promise<void> {
    try {
      const source = await this.#preparation?.run();
      if (source === null || this.#ending.isClosing()) return;
      void this.#fleet.start(source);
    } catch (error) {
      this.#fleet.refuse(notPrepared(error));
      throw error;
    }
  }

  #changed(): void {
    for (const engineId of this.#engines.withoutUseForConnections()) void this.#upstream.closeReplica(engineId);
    this.access.limits.refresh(this.#deployment.options.limits);
    this.#pool.reconsider();
    for (const listener of this.#listeners) listener();
  }

  #buildReport(): SelfReport {
    const { store, storeProblem } = this.#deps;
    return new SelfReport({
      version: chorusVersion,
      deployment: this.#deployment,
      engines: this.#engines,
      pool: this.#pool,
      preparation: this.#preparation,
      gpuWatch: this.#gpuWatch,
      ending: this.#ending,
      usageWebhook: () => this.#ledger.webhook,
      storeReport: () => reportStore(store, this.#deployment.options.retentionMs, storeProblem),
      url: () => this.url,
    });
  }

  #buildGateway(): Gateway {
    const { clock, logger, store } = this.#deps;
    const vocabulary = createVocabulary(readVocabulary());
    const deployment = this.#deployment;
    const turn = {
      vocabulary,
      prompts: new PromptEncoder(vocabulary, CACHED_PROMPT_BYTES),
      pool: this.#pool,
      openTokenStream: this.#upstream.openTokenStream,
      suspects: this.#suspects,
      onAttemptFailed: this.#telemetry.onAttemptFailed,
    };
    const memory = store && {
      store,
      get retentionMs() {
        return deployment.options.retentionMs;
      },
    };
    return buildApp({
      access: this.access,
      forwardsAuthorization: this.#engines.remotes.forwardsAuthorization,
      responses: { clock, turn, memory, turnEnds: this.#ledger.turnEnds },
      clock,
      logger,
      version: chorusVersion,
      modelState: (model) => this.#report.modelState(model),
      prepare: {
        whyNotServed: (model) => this.#report.whyNotServed(model),
        get showReasoning() {
          return deployment.options.reasoning === 'shown';
        },
        get defaultTemperature() {
          return deployment.options.defaultTemperature;
        },
        spellLogprob: (logprob) => spellLogprob(vocabulary, logprob),
        ...readSeal(deployment.options.stateDir),
      },
      readiness: () => this.#report.answerProbe(),
      whyNotAlive: () => (this.isAlive() ? this.#report.whyRestart() : NO_ROUNDS),
      metrics: this.#telemetry.metrics,
      onRequestEnd: this.#telemetry.onRequestEnd,
      engineHeader: this.simulated ? 'SIMULATED' : 'vllm',
      status: () => this.#report.statusWithStore(),
      operator: this.#operator,
      drain: this.#ending,
    });
  }

  async #close(): Promise<void> {
    this.#ending.begin();
    // Requests that wait for a replica are told so.
    this.#pool.reconsider();
    if (this.#deps.listener.descriptor !== null) await leaveListener(this.#app, this.#deps.clock);
    const leftMs = await this.#ending.giveNotice(this.drainMs);
    this.#gpuWatch?.close();
    await this.#preparation?.stop();
    await this.#engines.stop(this.#ending.isHurried ? 0 : leftMs);
    await closeGateway(this.#app, this.#deps.clock, this.#ending.isHurried);
    this.#telemetry.stop();
    await this.#upstream.close();
    this.#sweep?.stop();
    await this.#ledger.stop();
    await this.#deps.store?.close();
    await this.access.close();
    removeServerRecord(this.#deployment.options.stateDir);
  }
}
