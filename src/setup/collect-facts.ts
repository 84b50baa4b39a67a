import { constants } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MODELS } from '../domain/model.ts';
import { isAccessible } from '../system/is-accessible.ts';
import { bytesOnDisk } from './bytes-on-disk.ts';
import { chooseWheel } from './choose-wheel.ts';
import { remedyOf, SetupFailure } from './failure.ts';
import { findModel } from './find-model.ts';
import { askVllm, findPythons, findUv, findVllm } from './find-python.ts';
import { Hub } from './hub.ts';
import { readHubSettings, type HubSettings } from './hub-settings.ts';
import { sizeOf } from './marker.ts';
import { partPath } from './part-file.ts';
import type { HubListing, ModelFound, SetupBlocker, SetupDeps, SetupFacts, SetupWish } from './setup-plan.ts';
import { environmentFolder, environmentsFolder, interpreterIn, MARKER, modelFolder, PARTS } from './state-tree.ts';

/** A listing is a few kilobytes: a hub that does not give it in this time counts as away. */
const LISTING_STALL_MS = 10_000;

const OFFLINE: SetupBlocker = {
  code: 'offline',
  sentence: 'HF_HUB_OFFLINE forbids it.',
  remedy: remedyOf('offline'),
};

/**
 * Looks at what is here, and asks the hub what is to be downloaded if something is. Changes nothing, takes some
 * seconds, and rejects only when `signal` aborts: a hub that does not answer is a fact too.
 */
export async function collectSetupFacts(
  wish: SetupWish,
  { environment }: Pick<SetupDeps, 'environment'>,
  signal: AbortSignal,
): Promise<SetupFacts> {
  const settings = readHubSettings(environment);
  const folder = modelFolder(wish.stateDir, wish.model);
  const [uv, pythons, existing, ownEnvironments, model, freeBytes] = await Promise.all([
    findUv(environment),
    findPythons(environment),
    wish.python === null ? findVllm(environment) : askVllm(wish.python, environment),
    completedEnvironments(wish.stateDir),
    modelFor(wish, settings, folder),
    freeBytesAt(wish.stateDir),
  ]);
  const { listing, hubProblem } =
    model === null && !settings.offline
      ? await askHub(wish, settings, signal)
      : { listing: null, hubProblem: settings.offline ? OFFLINE : null };
  return {
    uv,
    pythons,
    existing,
    ownEnvironments,
    leftoverBytes: await leftoverBytes(wish, ownEnvironments),
    model,
    listing,
    hubProblem,
    presentBytes: listing === null ? 0 : await presentBytes(listing, folder),
    hub: { endpoint: settings.endpoint, offline: settings.offline },
    freeBytes,
  };
}

async function modelFor(wish: SetupWish, { cacheFolder }: HubSettings, folder: string): Promise<ModelFound | null> {
  if (wish.modelPath !== null) return { path: wish.modelPath, source: 'flag' };
  return findModel(wish.model, { folder, cacheFolder });
}

async function askHub(
  { model }: SetupWish,
  settings: HubSettings,
  signal: AbortSignal,
): Promise<{ readonly listing: HubListing | null; readonly hubProblem: SetupBlocker | null }> {
  try {
    await using hub = new Hub({ ...settings, stallMs: LISTING_STALL_MS });
    return { listing: await hub.list(MODELS[model].repository, signal), hubProblem: null };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SetupFailure)) throw error;
    const { code, sentence, remedy } = error;
    return { listing: null, hubProblem: { code, sentence, remedy } };
  }
}

async function completedEnvironments(stateDir: string): Promise<readonly string[]> {
  const folder = environmentsFolder(stateDir);
  const names = await readdir(folder).catch(() => []);
  const folders = names.map((name) => join(folder, name));
  const whole = await Promise.all(folders.map(isWhole));
  return folders.filter((_, position) => whole[position]);
}

/** Its interpreter is a link to the Python that it was made from, which an upgrade of the system may have removed. */
async function isWhole(environment: string): Promise<boolean> {
  const markerBytes = await sizeOf(join(environment, MARKER));
  return markerBytes !== null && isAccessible(interpreterIn(environment), constants.X_OK);
}

async function leftoverBytes(wish: SetupWish, ownEnvironments: readonly string[]): Promise<number> {
  const wheel = chooseWheel(wish.engine, wish.driverVersion);
  if (wish.python !== null || 'code' in wheel) return 0;
  const folder = environmentFolder(wish.stateDir, wheel);
  return ownEnvironments.includes(folder) ? 0 : bytesOnDisk(folder);
}

/** Whole files of the revision, and halves that will be continued. */
async function presentBytes({ revision, files }: HubListing, folder: string): Promise<number> {
  const sizes = await Promise.all(
    files.map(async (file) => {
      const whole = await sizeOf(join(folder, revision, file.path));
      if (whole === file.sizeBytes) return whole;
      const half = (await sizeOf(partPath(join(folder, PARTS), file))) ?? 0;
      return half <= file.sizeBytes ? half : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Of the file system that a folder will lie on: that of its nearest ancestor that is there. */
export async function freeBytesAt(folder: string): Promise<number | null> {
  const found = await statfs(folder).catch(() => null);
  if (found !== null) return found.bavail * found.bsize;
  return dirname(folder) === folder ? null : freeBytesAt(dirname(folder));
}
