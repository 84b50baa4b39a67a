import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import type { Plan } from '../domain/placement.ts';

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
