import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import Value from 'typebox/value';
import { MODEL_IDS, type ModelId } from '../domain/model.ts';
import type { EngineProfile, Placement } from '../domain/placement.ts';

/** A profile in which vLLM has started on such cards after the planned one had failed. */
export interface LearnedFit {
  readonly gpuName: string;
  /** Cards that the replica spanned. */
  readonly cardCount: number;
  readonly model: ModelId;
  readonly profile: EngineProfile;
}

const FitsFile = Type.Array(
  Type.Object({
    gpuName: Type.String(),
    cardCount: Type.Integer({ minimum: 1 }),
    model: Type.Enum([...MODEL_IDS]),
    profile: Type.Object({
      name: Type.String(),
      maxModelLen: Type.Integer({ minimum: 1 }),
      gpuMemoryUtilization: Type.Optional(Type.Number()),
      maxNumBatchedTokens: Type.Optional(Type.Integer()),
      enforceEager: Type.Optional(Type.Boolean()),
    }),
  }),
);

const fileIn = (stateDir: string): string => join(stateDir, 'fits.json');

/** What was learned on this machine, newest first; a file that is absent or damaged holds nothing. */
export function readFits(stateDir: string): readonly LearnedFit[] {
  try {
    const fits: unknown = JSON.parse(readFileSync(fileIn(stateDir), 'utf8'));
    return Value.Check(FitsFile, fits) ? fits : [];
  } catch {
    return []; // nothing was learned here
  }
}

/** Remembers that the placement's profile works on its cards, instead of what was known of them. Throws when it cannot be written. */
export function writeFit(stateDir: string, { gpus, model, profile }: Placement): void {
  const [gpu] = gpus;
  if (gpu === undefined) return;
  const fit = { gpuName: gpu.name, cardCount: gpus.length, model, profile };
  const others = readFits(stateDir).filter((known) => !isSameSeat(known, fit));
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(`${fileIn(stateDir)}.part`, `${JSON.stringify([fit, ...others], null, 1)}\n`);
  renameSync(`${fileIn(stateDir)}.part`, fileIn(stateDir));
}

function isSameSeat(a: LearnedFit, b: LearnedFit): boolean {
  return a.gpuName === b.gpuName && a.cardCount === b.cardCount && a.model === b.model;
}
