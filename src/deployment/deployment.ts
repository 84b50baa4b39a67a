import { optionsOf, type EffectiveSetting, type LoadedConfig } from '../config/load-config.ts';
import type { ServeOptions } from '../config/options.ts';
import type { Clock } from '../domain/clock.ts';
import type { GpuFault } from '../domain/gpu.ts';
import type { Placement, Plan } from '../domain/placement.ts';
import { Refusal } from '../domain/refusal.ts';
import type { EngineFailure } from '../engine/failures.ts';
import type { EngineSource, Fleet } from '../engine/fleet.ts';
import type { Logger } from '../system/logger.ts';
import { keepEngineIds } from './keep-engine-ids.ts';
import { settingChanges, withoutRestarts, type SettingChange } from './setting-changes.ts';

/** A card that no engine is started on until an operator takes it back. */
export interface CordonedGpu extends GpuFault {
  /** Wall-clock. */
  readonly sinceMs: number;
  /** Nothing is wrong with it any more, as far as can be seen. */
  readonly hasRecovered: boolean;
}

/** What `chorus serve` began with. */
export interface InitialDeployment {
  readonly settings: readonly EffectiveSetting[];
  readonly plan: Plan;
}

/** What a plan has to keep to. */
export interface PlanLimits {
  /** Cards that nothing is placed on. */
  readonly cordoned: readonly CordonedGpu[];
  /** Replicas that go on as they are. */
  readonly survivors: readonly Placement[];
}

/** What is to run, and where vLLM and the weights for it are. */
export interface PlannedDeployment {
  readonly plan: Plan;
  readonly source: EngineSource;
}

/** The engines, as far as a change of what runs concerns them; see `Fleet`. */
export type EngineRoster = Pick<Fleet, 'cordon' | 'uncordon' | 'reconcile'>;

export interface DeploymentDeps {
  /** The same file, variables and flags as at the start, read again. Throws a `Refusal` with every problem. */
  readonly readConfig: () => Promise<LoadedConfig>;
  /**
   * Plans the machine of the start anew. Throws a `Refusal` where nothing can run, or where something would have to be
   * installed or downloaded first.
   */
  readonly plan: (options: ServeOptions, limits: PlanLimits) => Promise<PlannedDeployment>;
  /** vLLM is being installed or weights are being downloaded for the plan. */
  readonly isPreparing: () => boolean;
  readonly roster: EngineRoster;
  /** A card is used again: whoever watches it forgets what it had. */
  readonly forgive: (uuid: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: () => void;
}

/** What a reload found and does. */
export interface ReloadReport {
  /** The file that was read; null: there is none. */
  readonly file: string | null;
  readonly warnings: readonly string[];
  readonly changes: readonly SettingChange[];
  /** Indices of the cards that are used again. */
  readonly uncordoned: readonly number[];
  /** What runs from now on, in one sentence; null where the engines are left alone. */
  readonly plan: string | null;
}

/** Engines that follow a changed plan. */
export interface Roll {
  /** Why, as the end of a sentence that begins with "because". */
  readonly reason: string;
  /** Wall-clock. */
  readonly sinceMs: number;
  /** Why it stopped in the middle, with the remedy; null while it goes on. */
  readonly held: string | null;
}

/**
 * The owner of what is to run: the settings in use, the plan, the cards that are left out, and every change of them.
 * Changes are made one after another; one that is refused changes nothing.
 */
export class Deployment {
  readonly #deps: DeploymentDeps;
  #settings: readonly EffectiveSetting[];
  #options: ServeOptions;
  #plan: Plan;
  #roll: Roll | null = null;
  readonly #cordoned = new Map<string, CordonedGpu>();
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor({ settings, plan }: InitialDeployment, deps: DeploymentDeps) {
    this.#deps = deps;
    this.#settings = settings;
    this.#options = optionsOf(settings);
    this.#plan = plan;
  }

  /** As they are in use; a reload puts others in their place. */
  get options(): ServeOptions {
    return this.#options;
  }

  get plan(): Plan {
    return this.#plan;
  }

  get cordoned(): readonly CordonedGpu[] {
    return [...this.#cordoned.values()];
  }

  /** The replacement of engines that goes on now or was given up in the middle; null where the plan is what runs. */
  get roll(): Roll | null {
    return this.#roll;
  }

  /**
   * Reads the settings again and applies what a running server can take over; engines are replaced in the background.
   * Cordoned cards are used again: whoever reloads says that they are well. Rejects with a `Refusal`, and goes on as
   * before, when the settings are wrong or cannot be served.
   */
  reload(): Promise<ReloadReport> {
    return this.#afterOthers(() => this.#reload());
  }

  /** Takes a card out of use at once and puts its model on the others; resolves when that is planned, or cannot be. */
  cordon(fault: GpuFault): Promise<void> {
    const { uuid, index, code, sentence, remedy } = fault;
    const { roster, logger, clock, onChange } = this.#deps;
    this.#cordoned.set(uuid, { ...fault, sinceMs: clock.nowMs(), hasRecovered: false });
    logger.error({ gpu: index, uuid, code }, 'card taken out of use');
    void roster.cordon([uuid], { code, message: sentence.replace(/\.$/, ''), remedy, retry: 'never' });
    onChange();
    return this.#afterOthers(() => this.#replanWithout(index));
  }

  /**
   * A cordoned card is well again. It is not taken back by itself: a card that comes and goes would have engines load
   * for minutes each time.
   */
  noteRecovery({ uuid, index }: Pick<GpuFault, 'uuid' | 'index'>): void {
    const gpu = this.#cordoned.get(uuid);
    if (gpu === undefined) return;
    this.#cordoned.set(uuid, { ...gpu, hasRecovered: true });
    this.#deps.logger.info({ gpu: index, uuid }, 'card out of use is well again');
    this.#deps.onChange();
  }

  async #reload(): Promise<ReloadReport> {
    const { file, warnings, settings: read } = await this.#deps.readConfig();
    const changes = settingChanges(this.#settings, read);
    const settings = withoutRestarts(this.#settings, read);
    const options = optionsOf(settings);
    const uncordoned = this.cordoned;
    // A change that was given up in the middle is tried again: what was in its way may be gone.
    const changesAll = changes.some(({ takesEffect }) => takesEffect === 'engines') || this.#roll?.held != null;
    const isPlanned = changesAll || uncordoned.length > 0;
    const reason = changesAll ? 'the settings have changed' : 'cards are used again';
    if (isPlanned && this.#deps.isPreparing()) throw stillPreparing();
    const planned = isPlanned ? await this.#deps.plan(options, { cordoned: [], survivors: [] }) : null;
    this.#settings = settings;
    this.#options = options;
    if (uncordoned.length > 0) this.#takeBack(uncordoned);
    this.#deps.logger.info({ file, changes: changes.map(({ path }) => path) }, 'settings reloaded');
    if (planned !== null) this.#begin(reason, planned.plan, planned.source);
    this.#deps.onChange();
    return {
      file,
      warnings,
      changes,
      uncordoned: uncordoned.map(({ index }) => index),
      plan: planned?.plan.summary ?? null,
    };
  }

  #takeBack(gpus: readonly CordonedGpu[]): void {
    this.#deps.roster.uncordon(gpus.map(({ uuid }) => uuid));
    for (const { uuid } of gpus) {
      this.#cordoned.delete(uuid);
      this.#deps.forgive(uuid);
    }
  }

  async #replanWithout(index: number): Promise<void> {
    const survivors = this.#plan.placements.filter(({ gpus }) => !gpus.some(({ uuid }) => this.#cordoned.has(uuid)));
    const limits = { cordoned: this.cordoned, survivors };
    try {
      const { plan } = await this.#deps.plan(this.#options, limits);
      this.#begin(`GPU ${index} is out of use`, plan);
    } catch (error) {
      // The engines on the card have failed with its reason; others go on as they are.
      this.#deps.logger.error({ reason: (error as Error).message }, 'nothing else can be planned');
    }
  }

  /** Without a `source` vLLM and the weights stay where they are. */
  #begin(reason: string, plan: Plan, source?: EngineSource): void {
    const { logger, clock } = this.#deps;
    const placements = keepEngineIds(this.#plan.placements, plan.placements);
    this.#plan = { ...plan, placements };
    const roll: Roll = { reason, sinceMs: clock.nowMs(), held: null };
    this.#roll = roll;
    logger.info({ reason, plan: plan.summary }, 'engines follow a changed plan');
    void this.#follow(roll, source ?? null);
  }

  async #follow(roll: Roll, source: EngineSource | null): Promise<void> {
    const { engineArguments, drainMs } = this.#options;
    const { placements } = this.#plan;
    const end = await this.#deps.roster.reconcile({ placements, launch: { engineArguments, ...source } }, drainMs);
    if (this.#roll !== roll) return;
    this.#roll = end.kind === 'held' ? { ...roll, held: heldSentence(end.engineId, end.failure) } : null;
    this.#deps.logger.info({ reason: roll.reason, end: end.kind }, 'engines follow the plan');
    this.#deps.onChange();
  }

  #afterOthers<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => undefined);
    return result;
  }
}

function stillPreparing(): Refusal {
  const message =
    'Chorus is still installing or downloading for the settings it started with. Reload when it is ready.';
  return new Refusal('temporary', message);
}

function heldSentence(engineId: string, { message, remedy }: EngineFailure): string {
  return `${engineId} does not start with it, and the others were left as they are: ${message}. ${remedy}`;
}
