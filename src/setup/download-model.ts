import { join } from 'node:path';
import PQueue from 'p-queue';
import type { Clock } from '../domain/clock.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';
import { downloadFile } from './download-file.ts';
import type { Hub } from './hub.ts';
import { sizeOf, writeMarker } from './marker.ts';
import { removeParts } from './part-file.ts';
import type { HubFile, HubListing, SetupDeps, SetupProgress } from './setup-plan.ts';
import { MARKER, PARTS } from './state-tree.ts';
import { TransferMeter } from './transfer-meter.ts';

const PARALLEL_FILES = 4;
/** Often enough to look alive. */
const REPORT_MS = 500;

export interface ModelDownload {
  readonly hub: Hub;
  readonly listing: HubListing;
  /** Gets one folder a revision, and the halves. */
  readonly folder: string;
  readonly onProgress: (progress: SetupProgress) => void;
  readonly signal: AbortSignal;
}

/** Brings all files of a listing, four at a time, and resolves with the folder that holds them. Rejects as one file does. */
export async function downloadModel(
  { hub, listing, folder, onProgress, signal }: ModelDownload,
  { clock, random, logger }: SetupDeps,
): Promise<string> {
  const target = join(folder, listing.revision);
  const partsFolder = join(folder, PARTS);
  const tally = new Tally(listing, clock, onProgress);
  const others = new AbortController();
  const either = AbortSignal.any([signal, others.signal]);
  const queue = new PQueue({ concurrency: PARALLEL_FILES });
  const bring = async (file: HubFile): Promise<void> => {
    either.throwIfAborted();
    const place = join(target, file.path);
    if ((await sizeOf(place)) === file.sizeBytes) return tally.set(file, file.sizeBytes);
    await downloadFile({
      hub,
      listing,
      file,
      partsFolder,
      target: place,
      clock,
      random,
      signal: either,
      onBytes: (presentBytes) => tally.set(file, presentBytes),
      onRetry: (failure, waitMs) => {
        logger.warn({ file: file.path, code: failure.code, waitMs }, 'download is tried again');
        tally.say(`${failure.sentence} Trying again in ${formatDuration(waitMs)}.`);
      },
    }).catch((error: unknown) => {
      others.abort(error);
      throw error;
    });
  };
  const settled = await Promise.allSettled(listing.files.map((file) => queue.add(() => bring(file))));
  signal.throwIfAborted();
  if (settled.some(({ status }) => status === 'rejected')) throw others.signal.reason;
  await writeMarker(join(target, MARKER), { ...listing, finishedAtMs: clock.nowMs() });
  await removeParts(partsFolder);
  return target;
}

/** Adds up the files and reports at most twice a second. */
class Tally {
  readonly #totalBytes: number;
  readonly #repository: string;
  readonly #present = new Map<string, number>();
  readonly #clock: Clock;
  readonly #meter: TransferMeter;
  readonly #onProgress: (progress: SetupProgress) => void;
  #reportedMs = -Infinity;

  constructor({ repository, files }: HubListing, clock: Clock, onProgress: (progress: SetupProgress) => void) {
    this.#totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#repository = repository;
    this.#clock = clock;
    this.#meter = new TransferMeter(clock);
    this.#onProgress = onProgress;
  }

  set(file: HubFile, presentBytes: number): void {
    this.#present.set(file.path, presentBytes);
    const isWhole = this.#doneBytes() === this.#totalBytes;
    if (!isWhole && this.#clock.monotonicMs() - this.#reportedMs < REPORT_MS) return;
    this.say(isWhole ? `${this.#repository} is here, ${formatBytes(this.#totalBytes)}` : null);
  }

  /** Reports now, with a sentence of its own or the usual one. */
  say(sentence: string | null): void {
    this.#reportedMs = this.#clock.monotonicMs();
    const doneBytes = this.#doneBytes();
    this.#meter.add(doneBytes);
    const { bytesPerSecond } = this.#meter;
    const leftMs = bytesPerSecond ? ((this.#totalBytes - doneBytes) / bytesPerSecond) * 1000 : null;
    this.#onProgress({
      step: 'download',
      sentence: sentence ?? `downloading ${this.#repository}`,
      fraction: this.#totalBytes === 0 ? 1 : doneBytes / this.#totalBytes,
      doneBytes,
      totalBytes: this.#totalBytes,
      bytesPerSecond,
      leftMs,
    });
  }

  #doneBytes(): number {
    return [...this.#present.values()].reduce((sum, bytes) => sum + bytes, 0);
  }
}
