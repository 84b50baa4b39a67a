import type { ModelFolder, ModelId } from '../domain/model.ts';
import type { EngineKind, EngineProfile, Placement } from '../domain/placement.ts';

/** What is to be placed. `null` leaves a choice to the planner; anything else is held, or refused with the reason. */
export interface PlanRequest {
  /** Decided before (`chooseEngine`). */
  readonly engine: EngineKind;
  /** `auto`: the largest that fits. A model folder decides by itself. */
  readonly model: ModelId | 'auto';
  /** `auto`: as many as there is room for; 1 on the CPU, 2 simulated. */
  readonly replicas: number | 'auto';
  /** `replicas` is the most, not the number; so it is whenever cards are out of service. */
  readonly areFewerEnough?: boolean;
  readonly modelFolder?: ModelFolder;
  /** The only cards to use: indices, UUIDs, or beginnings of one UUID. */
  readonly gpus: readonly string[] | null;
  /** Cards that each replica spans: 1, 2, 4 or 8. */
  readonly tensorParallel: number | null;
  /** Context of every replica. */
  readonly contextTokens: number | null;
  /** Share of each card's memory, above 0 and at most 1. */
  readonly gpuMemoryUtilization: number | null;
  /** Profiles that have worked after the planned one failed; the first that matches wins over the estimate. */
  readonly remembered?: readonly RememberedFit[];
  /** Replicas that go on as they are, on their cards, whatever else is placed. */
  readonly survivors?: readonly Placement[];
}

/** A profile in which vLLM has started on cards of this name. */
export interface RememberedFit {
  readonly gpuName: string;
  /** Cards that the replica spanned. */
  readonly cardCount: number;
  readonly model: ModelId;
  /** Of the checkpoint, on each of the cards: another one of the same model may take much more. */
  readonly weightBytes: number;
  readonly profile: EngineProfile;
}
