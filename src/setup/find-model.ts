import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import Value from 'typebox/value';
import { MODELS, type ModelId } from '../domain/model.ts';
import { sizeOf } from './marker.ts';
import type { ModelFound } from './setup-plan.ts';
import { MARKER } from './state-tree.ts';

/**
 * A whole checkpoint of a catalogue model: what an earlier setup completed, else a whole snapshot in the Hugging Face
 * cache, so that nobody downloads twice. Null when neither is there. Never rejects.
 */
export async function findModel(
  model: ModelId,
  { folder, cacheFolder }: { readonly folder: string; readonly cacheFolder: string },
): Promise<ModelFound | null> {
  const own = await findOwn(folder);
  if (own !== null) return { path: own, source: 'state' };
  const cached = await findCached(join(cacheFolder, `models--${MODELS[model].repository.replaceAll('/', '--')}`));
  return cached === null ? null : { path: cached, source: 'hugging_face_cache' };
}

/** What the marker of a finished download says; one without files would vouch for an empty folder. */
const ModelMarker = Type.Object({
  files: Type.Array(Type.Object({ path: Type.String(), sizeBytes: Type.Integer({ minimum: 0 }) }), { minItems: 1 }),
  finishedAtMs: Type.Number(),
});

/** The revision that was completed last and still has every file in its length. */
async function findOwn(folder: string): Promise<string | null> {
  const whole: { readonly path: string; readonly finishedAtMs: number }[] = [];
  for (const name of await list(folder)) {
    const path = join(folder, name);
    const marker = await readJson(join(path, MARKER));
    if (!Value.Check(ModelMarker, marker)) continue;
    const sizes = await Promise.all(marker.files.map((file) => sizeOf(join(path, file.path))));
    const isWhole = marker.files.every(({ sizeBytes }, position) => sizes[position] === sizeBytes);
    if (isWhole) whole.push({ path, finishedAtMs: marker.finishedAtMs });
  }
  return whole.toSorted((a, b) => b.finishedAtMs - a.finishedAtMs)[0]?.path ?? null;
}

/** The snapshot that `main` names, then any other. */
async function findCached(repositoryFolder: string): Promise<string | null> {
  const main = await readFile(join(repositoryFolder, 'refs', 'main'), 'utf8').catch(() => '');
  const names = await list(join(repositoryFolder, 'snapshots'));
  const ordered = [...names.filter((name) => name === main.trim()), ...names.filter((name) => name !== main.trim())];
  for (const name of ordered) {
    const path = join(repositoryFolder, 'snapshots', name);
    if (await isWholeCheckpoint(path)) return path;
  }
  return null;
}

const WeightIndex = Type.Object({
  metadata: Type.Optional(Type.Object({ total_size: Type.Optional(Type.Number()) })),
  weight_map: Type.Record(Type.String(), Type.String()),
});

/**
 * Every shard that the index names is there, and together they are not smaller than the tensors that they hold. In the
 * Hugging Face cache a file that is still being downloaded has another name, so a shard that is there is whole.
 */
async function isWholeCheckpoint(folder: string): Promise<boolean> {
  const index = await readJson(join(folder, 'model.safetensors.index.json'));
  const hasParts = await Promise.all(['config.json', 'tokenizer.json'].map((name) => sizeOf(join(folder, name))));
  if (hasParts.some((size) => size === null)) return false;
  if (index === null) return ((await sizeOf(join(folder, 'model.safetensors'))) ?? 0) > 0;
  if (!Value.Check(WeightIndex, index)) return false;
  const shards = [...new Set(Object.values(index.weight_map))];
  const sizes = await Promise.all(shards.map((shard) => sizeOf(join(folder, shard))));
  const tensorBytes = index.metadata?.total_size ?? 0;
  const totalBytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  return shards.length > 0 && sizes.every((size) => size !== null) && totalBytes >= tensorBytes;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch {
    return null; // not there, or half of it
  }
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
