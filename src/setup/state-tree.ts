import { join } from 'node:path';
import { MODELS, type ModelId } from '../domain/model.ts';

/** In an environment's folder, written last: a folder without it is half-made and made anew. */
export const ENVIRONMENT_MARKER = 'chorus-complete.json';

/** Where environments lie, one folder a build. */
export function environmentsFolder(stateDir: string): string {
  return join(stateDir, 'vllm');
}

/** Where a model's revisions lie: `models/openai--gpt-oss-20b`. */
export function modelFolder(stateDir: string, model: ModelId): string {
  return join(stateDir, 'models', MODELS[model].repository.replaceAll('/', '--'));
}

/** The interpreter of an environment. */
export function interpreterIn(folder: string): string {
  return join(folder, 'bin', 'python');
}
