import type { ModelFolder, ModelId } from '../domain/model.ts';
import type { EngineKind } from '../domain/placement.ts';

/** What is to be placed. */
export interface PlanRequest {
  /** Decided before (`chooseEngine`). */
  readonly engine: EngineKind;
  /** `auto`: the largest that fits. A model folder decides by itself. */
  readonly model: ModelId | 'auto';
  /** `auto`: as many as there is room for; 1 on the CPU, 2 simulated. */
  readonly replicas: number | 'auto';
  readonly modelFolder?: ModelFolder;
}
