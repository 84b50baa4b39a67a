import type { Clock } from '../domain/clock.ts';
import { sleep } from '../domain/clock.ts';
import { SetupFailure } from './failure.ts';
import type { Hub } from './hub.ts';
import { networkFailure } from './hub-failure.ts';
import { PartFile } from './part-file.ts';
import type { HubFile, HubListing } from './setup-plan.ts';

/** Attempts in a row that may bring nothing new before the file is given up. */
const MAX_ATTEMPTS = 6;
/** A content that is wrong twice will be wrong again, and each time may cost gigabytes. */
const MAX_WRONG_CONTENTS = 2;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

export interface FileDownload {
  readonly hub: Hub;
  readonly listing: HubListing;
  readonly file: HubFile;
  readonly partsFolder: string;
  /** Where the whole file goes. */
  readonly target: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Hears how many bytes of the file are here; fewer than before after a wrong content was thrown away. */
  readonly onBytes: (presentBytes: number) => void;
  /** Hears why a new attempt is made, and when. */
  readonly onRetry: (failure: SetupFailure, waitMs: number) => void;
}

/**
 * Brings one file, going on where an earlier run stopped. Failures that pass are tried again with growing pauses; an
 * attempt that brought bytes starts the count anew. Rejects with a `SetupFailure`, or with the reason of an abort.
 */
export async function downloadFile(download: FileDownload): Promise<void> {
  const { clock, random, signal, onRetry } = download;
  let attempts = 0;
  let mostBytes = 0;
  let wrongContents = 0;
  for (;;) {
    const { failure, presentBytes } = await attempt(download);
    if (failure === null) return;
    if (presentBytes > mostBytes) attempts = 0;
    mostBytes = Math.max(mostBytes, presentBytes);
    attempts++;
    if (failure.code === 'wrong_checksum') wrongContents++;
    if (!failure.passes || attempts >= MAX_ATTEMPTS || wrongContents >= MAX_WRONG_CONTENTS) throw failure;
    const waitMs = retryWaitMs(attempts, failure.retryAfterMs, random());
    onRetry(failure, waitMs);
    await sleep(clock, waitMs, signal);
    signal.throwIfAborted();
  }
}

/** Doubles from one second to a minute, each pause half random; what the server asks for wins, up to a minute. */
export function retryWaitMs(attempts: number, retryAfterMs: number | null, random: number): number {
  if (retryAfterMs !== null) return Math.min(Math.max(retryAfterMs, 0), LONGEST_WAIT_MS);
  const longestMs = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS);
  return longestMs * (0.5 + random / 2);
}

async function attempt(
  download: FileDownload,
): Promise<{ readonly failure: SetupFailure | null; readonly presentBytes: number }> {
  const { partsFolder, file, target, signal, onBytes } = download;
  const part = await PartFile.open(partsFolder, file, signal);
  let presentBytes = part.sizeBytes;
  try {
    onBytes(presentBytes);
    if (!part.isFull) await fill(part, download);
    presentBytes = part.sizeBytes;
    await part.finish(target);
    return { failure: null, presentBytes };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SetupFailure)) throw error;
    // A wrong content was thrown away: it is no progress, however long it was.
    onBytes(part.sizeBytes);
    return { failure: error, presentBytes: part.sizeBytes };
  } finally {
    await part.close();
  }
}

/** Reads as fast as the disk writes: the next chunk is asked for when the last one is written. */
async function fill(part: PartFile, { hub, listing, file, signal, onBytes }: FileDownload): Promise<void> {
  const { body, startByte } = await hub.open(listing, file.path, part.sizeBytes, signal);
  try {
    if (startByte < part.sizeBytes) await part.restart();
    for await (const chunk of body) {
      await part.append(chunk as Uint8Array);
      onBytes(part.sizeBytes);
    }
  } catch (error) {
    throw networkFailure(hub.fileUrl(listing, file.path), error, signal);
  } finally {
    body.destroy();
  }
  if (part.isFull) return;
  const sentence = `${file.path} ended after ${part.sizeBytes} of ${file.sizeBytes} bytes.`;
  throw new SetupFailure('hub_broke_off', sentence);
}
