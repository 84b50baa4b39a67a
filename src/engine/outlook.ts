import type { ModelId } from '../domain/model.ts';
import type { Plan } from '../domain/placement.ts';
import type { EngineStatus } from './status.ts';

/** What a model is up to: what `/models` shows and a waiting request is told. */
export interface ModelOutlook {
  readonly state: 'ready' | 'loading' | 'failed' | 'not_served';
  /** One sentence. */
  readonly sentence: string;
}

/** The state of one model from the states of its engines, and from the plan where it has none. */
export function modelOutlook(model: ModelId, plan: Plan, engines: readonly EngineStatus[]): ModelOutlook {
  const own = engines.filter((engine) => engine.model === model);
  if (own.length === 0) return { state: 'not_served', sentence: plan.notServed[model] ?? plan.summary };
  const ready = own.filter(({ phase }) => phase === 'ready').length;
  if (ready > 0) return { state: 'ready', sentence: `${ready} of ${own.length} replicas in rotation.` };
  const hopeful = own.find((engine) => engine.mayBecomeReady);
  const shown = hopeful ?? own[0];
  const sentence = `${shown?.engineId}: ${shown?.sentence}.`.replace(/\.\.$/, '.');
  return { state: hopeful ? 'loading' : 'failed', sentence };
}

/** Whether an engine of the model that is not in rotation may come into it, by itself. */
export function mayAnotherCome(model: ModelId, engines: readonly EngineStatus[]): boolean {
  return engines.some((engine) => engine.model === model && engine.phase !== 'ready' && engine.mayBecomeReady);
}
