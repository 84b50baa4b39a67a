import type { ModelId } from '../domain/model.ts';
import type { Plan } from '../domain/placement.ts';
import { formatTimeLeft } from '../domain/units.ts';
import type { Progress } from './start-estimate.ts';
import type { EngineStatus } from './status.ts';

/** What a model is up to: what `/models` shows and a waiting request is told. */
export interface ModelOutlook {
  readonly state: 'ready' | 'loading' | 'failed' | 'not_served';
  /** One sentence. */
  readonly sentence: string;
  /** How far the replica is that is ready first; null where none starts. */
  readonly progress: Progress | null;
}

/** The state of one model from the states of its engines, and from the plan where it has none. */
export function modelOutlook(model: ModelId, plan: Plan, engines: readonly EngineStatus[]): ModelOutlook {
  const own = engines.filter((engine) => mayServe(engine, model));
  if (own.length === 0) return { state: 'not_served', sentence: plan.notServed[model] ?? plan.summary, progress: null };
  const ready = own.filter(({ phase }) => phase === 'ready').length;
  if (ready > 0) {
    const said = [`${ready} of ${own.length} replicas in rotation.`, ...own.filter(isLostElsewhere).map(sentenceOf)];
    return { state: 'ready', sentence: said.join(' '), progress: null };
  }
  const hopeful = firstToCome(own.filter((engine) => engine.mayBecomeReady));
  const shown = hopeful ?? own[0];
  const progress = hopeful?.progress ?? null;
  const said = [shown?.sentence, describeProgress(progress)].filter(Boolean).join(', ').replace(/\.$/, '');
  return { state: hopeful ? 'loading' : 'failed', sentence: `${shown?.engineId}: ${said}.`, progress };
}

/** Whether the engine serves the model, or may turn out to: one elsewhere tells its model when it is met. */
export function mayServe(engine: EngineStatus, model: ModelId): boolean {
  return engine.model === model || engine.model === null;
}

/** Nobody here restarts it, so that somebody should know. */
const isLostElsewhere = ({ kind, phase }: EngineStatus): boolean =>
  kind === 'remote' && ['failed', 'backoff', 'unhealthy'].includes(phase);

const sentenceOf = ({ engineId, sentence }: EngineStatus): string => `${engineId}: ${sentence.replace(/\.$/, '')}.`;

/** The one with the least time left, else one that starts, else any. */
function firstToCome(engines: readonly EngineStatus[]): EngineStatus | undefined {
  const leftMs = ({ progress }: EngineStatus): number => progress?.leftMs ?? (progress ? 1e9 : 2e9);
  return engines.toSorted((a, b) => leftMs(a) - leftMs(b))[0];
}

/** `40 %, about 25 s left`; empty where there is no estimate. */
export function describeProgress(progress: Progress | null): string {
  const { percent = null, leftMs = null } = progress ?? {};
  return [
    ...(percent === null ? [] : [`${percent} %`]),
    ...(leftMs === null ? [] : [`about ${formatTimeLeft(leftMs)} left`]),
  ].join(', ');
}

/** Whether an engine of the model that is not in rotation may come into it, by itself. */
export function mayAnotherCome(model: ModelId, engines: readonly EngineStatus[]): boolean {
  return engines.some((engine) => mayServe(engine, model) && engine.phase !== 'ready' && engine.mayBecomeReady);
}
