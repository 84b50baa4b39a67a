import { join } from 'node:path';
import { Type } from 'typebox';
import { MODEL_IDS } from '../domain/model.ts';
import type { Placement } from '../domain/placement.ts';
import type { RememberedFit } from '../planner/request.ts';
import { readJsonFile, writeJsonFile } from '../system/json-file.ts';

const FitsFile = Type.Array(
  Type.Object({
    gpuName: Type.String(),
    cardCount: Type.Integer({ minimum: 1 }),
    model: Type.Enum([...MODEL_IDS]),
    weightBytes: Type.Integer({ minimum: 1 }),
    profile: Type.Object({
      name: Type.String(),
      // The shortest context that can be set: anything below is a damaged file.
      maxModelLen: Type.Integer({ minimum: 1024 }),
      gpuMemoryUtilization: Type.Optional(Type.Number()),
      maxNumBatchedTokens: Type.Optional(Type.Integer()),
      enforceEager: Type.Optional(Type.Boolean()),
    }),
  }),
);

const fileIn = (stateDir: string): string => join(stateDir, 'fits.json');

/** What was learned on this machine, newest first; a file that is absent or damaged holds nothing. */
export function readFits(stateDir: string): readonly RememberedFit[] {
  return readJsonFile(fileIn(stateDir), FitsFile) ?? [];
}

/**
 * Remembers that the placement's profile works on its cards with weights of this size, instead of what was known of
 * them. Throws when it cannot be written.
 */
export function writeFit(stateDir: string, { gpus, model, profile, memory }: Placement): void {
  const [gpu] = gpus;
  if (gpu === undefined || memory === undefined) return;
  const { weightBytes } = memory;
  const fit = { gpuName: gpu.name, cardCount: gpus.length, model, weightBytes, profile };
  const others = readFits(stateDir).filter((known) => !isSameSeat(known, fit));
  writeJsonFile(fileIn(stateDir), [fit, ...others]);
}

function isSameSeat(a: RememberedFit, b: RememberedFit): boolean {
  const keys = ['gpuName', 'cardCount', 'model', 'weightBytes'] as const;
  return keys.every((key) => a[key] === b[key]);
}
