import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readApiKey, type ApiKey } from './access/api-key.ts';
import { readSeal } from './access/seal.ts';
import { isPublicBind, type ServeOptions } from './config/options.ts';
import type { Clock } from './domain/clock.ts';
import type { ModelId } from './domain/model.ts';
import type { Placement, Plan } from './domain/placement.ts';
import type { EngineFailure } from './engine/failures.ts';
import { Fleet } from './engine/fleet.ts';
import { DEFAULT_POLICY } from './engine/policy.ts';
import type { AdaptPlacement } from './engine/seat.ts';
import { mayAnotherCome, modelOutlook, type ModelOutlook } from './engine/outlook.ts';
import { buildApp, type Gateway } from './gateway/app.ts';
import { listen } from './gateway/listen.ts';
import type { StatusReport } from './gateway/reports.ts';
import { createVocabulary } from './harmony/vocabulary.ts';
import { spellLogprob } from './responses/logprobs.ts';
import { reportStore, type StoreReport } from './responses/report-store.ts';
import { RetentionSweep } from './responses/retention.ts';
import type { ResponseStore } from './store/response-store.ts';
import { Pool } from './pool/pool.ts';
import type { Outlook } from './pool/select.ts';
import type { Logger } from './system/logger.ts';
import { type PrepareEngines, Preparation } from './setup/preparation.ts';
import { adaptProfile } from './planner/adapt.ts';
import { SetupFailure } from './setup/failure.ts';
import { removeServerRecord, writeServerRecord } from './system/state-directory.ts';
import { readVocabulary, vocabularyDirectory } from './system/vocabulary.ts';
import { PromptEncoder } from './turn/prompt-encoder.ts';
import { createUpstream, type Upstream } from './upstream/upstream.ts';

/** Queueing and prefill are silent too: a 131k-token prompt takes tens of seconds on a small card. */
const STALL_TIMEOUT_MS = 120_000;
/** Encodings of recent texts, for follow-ups: about 32 MB. */
const CACHED_PROMPT_BYTES = 64_000_000;
/** A server with one key or none serves one project. */
const PROJECT = 'default';
/** How long clients have for their last bytes once the engines are gone; a client that never asks holds nobody up. */
const LAST_BYTES_MS = 1000;

export interface ChorusDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What keeps responses; null where nothing is kept. The orchestrator closes it. */
  readonly store: ResponseStore | null;
  /** Why nothing is kept, with what to do about it; null where something is. */
  readonly storeProblem: string | null;
  /** Installs vLLM and downloads weights before the engines start; null where all is here. */
  readonly prepare: PrepareEngines | null;
}

/** Chorus's own version. */
export const chorusVersion: string = (
  JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8')) as { version: string }
).version;

/**
 * The composition root: builds everything from the options and the plan. Nothing starts before `start`; after `stop`
 * or `kill` no process of it is left.
 */
export class Orchestrator {
  readonly plan: Plan;
  readonly apiKey: ApiKey | null;
  /** Empty before the listener is open. */
  url = '';
  readonly #options: ServeOptions;
  readonly #pool: Pool;
  readonly #upstream: Upstream;
  readonly #fleet: Fleet;
  readonly #store: ResponseStore | null;
  readonly #storeProblem: string | null;
  readonly #sweep: RetentionSweep | null;
  readonly #app: Gateway;
  readonly #clock: Clock;
  readonly #preparation: Preparation | null;
  readonly #listeners = new Set<() => void>();
  /** The one end of everything, once it has begun. */
  #closing: Promise<void> | null = null;
  #hurried = false;

  constructor(options: ServeOptions, plan: Plan, deps: ChorusDeps) {
    this.#options = options;
    this.plan = plan;
    this.#clock = deps.clock;
    this.apiKey = readApiKey(options.stateDir, { required: isPublicBind(options.host) });
    this.#pool = new Pool({
      clock: deps.clock,
      loadingWaitMs: options.loadingWaitMs,
      outlook: (model) => this.#poolOutlook(model),
    });
    this.#upstream = createUpstream({ clock: deps.clock, stallTimeoutMs: STALL_TIMEOUT_MS });
    this.#store = deps.store;
    this.#storeProblem = deps.storeProblem;
    this.#sweep =
      deps.store && new RetentionSweep(deps.store, deps.clock, (err) => deps.logger.error({ err }, 'sweep failed'));
    this.#fleet = this.#buildFleet(deps);
    this.#preparation = deps.prepare && new Preparation(deps.prepare, () => this.#changed());
    this.#fleet.onChange(() => this.#changed());
    this.#app = this.#buildGateway(deps);
  }

  /** The engines are simulated: nobody's answers come from a model. */
  get simulated(): boolean {
    return this.plan.placements.some(({ kind }) => kind === 'simulated');
  }

  /**
   * Opens the listener and gives what follows as `prepared`: it resolves when the engines are being started, and rejects
   * when what they need cannot be installed or downloaded. Throws a `Refusal` when the address is taken.
   */
  async start(): Promise<{ readonly prepared: Promise<void> }> {
    const { host, port, stateDir } = this.#options;
    this.url = await listen(this.#app, { host, port });
    writeServerRecord(stateDir, { url: this.url, keyFile: this.apiKey?.file ?? null });
    return { prepared: this.#launch() };
  }

  /**
   * Ends streams in order, then engines, then the listener: within the drain time and some 20 seconds, whatever
   * connections clients keep open. Calls after the first give the same promise.
   */
  stop(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The second signal: engines are killed and connections closed at once, also while a `stop` waits. */
  kill(): Promise<void> {
    this.#hurried = true;
    const closed = this.stop();
    void this.#fleet.kill();
    return closed;
  }

  /** Calls `listener` whenever `status` shows something else. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Without what the store holds, which takes an answer of its thread. */
  status(): Omit<StatusReport, 'store'> {
    const seats = new Map(this.#pool.view().map((seat) => [seat.engineId, seat]));
    const { ready, sentence } = this.#readiness();
    const engines = this.#fleet.status().map((engine) => {
      const { inFlight = 0, served = 0 } = seats.get(engine.engineId) ?? {};
      return { ...engine, inFlight, served };
    });
    const { plan, url, simulated } = this;
    const setup = this.#preparation?.steps ?? [];
    return { version: chorusVersion, pid: process.pid, url, simulated, ready, reason: sentence, setup, engines, plan };
  }

  async #launch(): Promise<void> {
    try {
      const source = await this.#preparation?.run();
      if (source === null || this.#closing !== null) return;
      void this.#fleet.start(source);
    } catch (error) {
      this.#fleet.refuse(notPrepared(error));
      throw error;
    }
  }

  /** An engine without a process has no use for its connections. */
  #changed(): void {
    for (const { engineId, pid } of this.#fleet.status()) {
      if (pid === null) void this.#upstream.closeReplica(engineId);
    }
    this.#pool.reconsider();
    for (const listener of this.#listeners) listener();
  }

  #buildFleet({ clock, logger, random, environment }: ChorusDeps): Fleet {
    const { stateDir, python, modelPath, engineArguments } = this.#options;
    const launch = {
      python,
      modelPath,
      engineArguments,
      vocabularyDirectory,
      nodePath: process.execPath,
      simulatorPath,
      environment,
    };
    const { placements } = this.plan;
    const adapt: AdaptPlacement = (placement, code, estimate) => this.#adapt(placement, code, estimate);
    const policy = { ...DEFAULT_POLICY, maxLogBytes: this.#options.maxEngineLogBytes };
    return new Fleet({ placements, policy, stateDir, launch, adapt, rotation: this.#pool, clock, logger, random });
  }

  /** What a person pinned is not given up. */
  #adapt(...[placement, code, estimate]: Parameters<AdaptPlacement>): Placement | null {
    const { contextTokens, gpuMemoryUtilization } = this.#options;
    const adapted = adaptProfile(placement, code, estimate);
    const { maxModelLen, gpuMemoryUtilization: share } = placement.profile;
    if (contextTokens !== null && adapted?.profile.maxModelLen !== maxModelLen) return null;
    if (gpuMemoryUtilization !== null && adapted?.profile.gpuMemoryUtilization !== share) return null;
    return adapted;
  }

  #buildGateway({ clock, logger, store }: ChorusDeps): Gateway {
    const vocabulary = createVocabulary(readVocabulary());
    const turn = {
      vocabulary,
      prompts: new PromptEncoder(vocabulary, CACHED_PROMPT_BYTES),
      pool: this.#pool,
      openTokenStream: this.#upstream.openTokenStream,
      onAttemptFailed: (event: object) => logger.warn(event, 'attempt failed'),
    };
    return buildApp({
      access: { apiKey: this.apiKey?.key ?? null },
      responses: { clock, turn, memory: store && { store, retentionMs: this.#options.retentionMs } },
      project: PROJECT,
      clock,
      logger,
      version: chorusVersion,
      modelState: (model) => ({
        ...this.#outlook(model),
        contextTokens: this.#pool.anyReady(model)?.maxModelLen ?? null,
        simulated: this.simulated && this.plan.model === model,
      }),
      prepare: {
        whyNotServed: (model) => (this.plan.model === model ? null : (this.plan.notServed[model] ?? this.plan.summary)),
        showReasoning: this.#options.reasoning === 'shown',
        defaultTemperature: this.#options.defaultTemperature,
        spellLogprob: (logprob) => spellLogprob(vocabulary, logprob),
        ...readSeal(this.#options.stateDir),
      },
      readiness: () => this.#readiness(),
      engineHeader: this.simulated ? 'SIMULATED' : 'vllm',
      status: async () => ({ ...this.status(), store: await this.#reportStore() }),
    });
  }

  #reportStore(): Promise<StoreReport> {
    return reportStore(this.#store, this.#options.retentionMs, this.#storeProblem);
  }

  #outlook(model: ModelId): ModelOutlook {
    if (this.#closing !== null) return { state: 'failed', sentence: 'Chorus is shutting down.', progress: null };
    const setup = model === this.plan.model ? this.#preparation?.state : null;
    if (setup) return { state: 'loading', sentence: `${setup.sentence}.`, progress: setup.progress };
    return modelOutlook(model, this.plan, this.#fleet.status());
  }

  #poolOutlook(model: ModelId): Outlook {
    const { state, sentence, progress } = this.#outlook(model);
    const mayBecomeReady = state === 'ready' || state === 'loading';
    const othersMayCome = mayBecomeReady && mayAnotherCome(model, this.#fleet.status());
    return { mayBecomeReady, othersMayCome, sentence, leftMs: progress?.leftMs ?? null };
  }

  #readiness(): { readonly ready: boolean; readonly sentence: string } {
    if (this.plan.model === null) return { ready: false, sentence: this.plan.summary };
    const { state, sentence } = this.#outlook(this.plan.model);
    return { ready: state === 'ready', sentence };
  }

  async #close(): Promise<void> {
    // From the next microtask on `#closing` is set, and requests that wait for a replica are told so.
    await Promise.resolve();
    this.#pool.reconsider();
    await this.#preparation?.stop();
    await this.#fleet.stop(this.#hurried ? 0 : this.#options.drainMs);
    await this.#closeListener();
    await this.#upstream.close();
    this.#sweep?.stop();
    await this.#store?.close();
    removeServerRecord(this.#options.stateDir);
  }

  /** An idle connection, half a request or a client that reads nothing would keep `app.close` waiting for ever. */
  async #closeListener(): Promise<void> {
    const closeConnections = (): void => this.#app.server.closeAllConnections();
    const cancel = this.#clock.schedule(this.#hurried ? 0 : LAST_BYTES_MS, closeConnections);
    await this.#app.close();
    cancel();
  }
}

/** Why engines cannot start although their plan is good. */
function notPrepared(error: unknown): EngineFailure {
  if (error instanceof SetupFailure) {
    return { code: error.code, message: error.sentence, remedy: error.remedy, retry: 'never' };
  }
  const remedy = 'Run chorus setup, which does the same and nothing else.';
  return { code: 'setup_failed', message: (error as Error).message, remedy, retry: 'never' };
}

/** The simulator's program, beside this file in the sources and in the build. */
const simulatorPath: string = fileURLToPath(
  new URL(`sim/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);
