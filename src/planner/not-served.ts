import type { Gpu } from '../domain/gpu.ts';
import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import type { Plan, Rejection } from '../domain/placement.ts';

/** For each catalogue model but the served one, the sentence that its requests are answered with. */
export function notServed(served: ModelId | null, reasonFor: (model: ModelId) => string): Plan['notServed'] {
  const others = MODEL_IDS.filter((model) => model !== served);
  return Object.fromEntries(
    others.map((model) => {
      const instead = served === null ? '' : ` Use ${served}.`;
      return [model, `${model} is not served here: ${reasonFor(model)}.${instead}`];
    }),
  );
}

/** The plan that runs nothing: `summary` is the sentence that says why, `reason` the clause for requests. */
export function emptyPlan(summary: string, reason: string, rejections: readonly Rejection[] = []): Plan {
  return {
    model: null,
    placements: [],
    rejections,
    summary,
    reasons: [],
    notServed: notServed(null, () => reason),
  };
}

/** The clause with the cards that are out of service, which would have served otherwise. */
export function withCordonNote(clause: string, gpus: readonly Gpu[]): string {
  const notes = gpus.flatMap(({ index, cordon }) =>
    cordon === undefined ? [] : [`GPU ${index} is out of service: it ${cordon.reason}`],
  );
  return [clause, ...notes].join('; ');
}
