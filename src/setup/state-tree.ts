import { join } from 'node:path';
import { MODELS, type ModelId } from '../domain/model.ts';

/** In the folder of an environment or a checkpoint, written last: a folder without it is half-made. */
export const MARKER = 'chorus-complete.json';

/** Beside the folders of a model's revisions: the halves of files. */
export const PARTS = 'parts';

/** Where environments lie, one folder a build. */
export function environmentsFolder(stateDir: string): string {
  return join(stateDir, 'vllm');
}

/** Where the environment of one build lies: `vllm/0.32.0-cu130`. */
export function environmentFolder(
  stateDir: string,
  { version, build }: { readonly version: string; readonly build: string },
): string {
  return join(environmentsFolder(stateDir), `${version}-${build}`);
}

/** Where uv keeps the Pythons that it fetches. */
export function uvPythonsFolder(stateDir: string): string {
  return join(environmentsFolder(stateDir), 'pythons');
}

/** Where a model's revisions lie: `models/openai--gpt-oss-20b`. */
export function modelFolder(stateDir: string, model: ModelId): string {
  return join(stateDir, 'models', MODELS[model].repository.replaceAll('/', '--'));
}

/** The interpreter of an environment. */
export function interpreterIn(folder: string): string {
  return join(folder, 'bin', 'python');
}
