import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/domain/clock.ts';
import { downloadModel } from '../../src/setup/download-model.ts';
import { Hub } from '../../src/setup/hub.ts';
import { readHubSettings } from '../../src/setup/hub-settings.ts';
import type { SetupDeps, SetupProgress } from '../../src/setup/setup-plan.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { FakeHub } from '../support/fake-hub.ts';

/** The real clock, on which every pause is over at once; it remembers the pauses. */
export class HastyClock implements Clock {
  readonly pausesMs: number[] = [];

  nowMs(): number {
    return systemClock.nowMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  schedule(delayMs: number, callback: () => void): () => void {
    this.pausesMs.push(delayMs);
    return systemClock.schedule(0, callback);
  }
}

export interface Download {
  readonly folder: string;
  readonly clock: HastyClock;
  readonly progress: SetupProgress[];
  readonly read: (path: string) => Buffer;
  /** Downloads the hub's repository into the folder. */
  readonly run: (hub: FakeHub, options?: DownloadOptions) => Promise<string>;
  readonly remove: () => void;
}

export interface DownloadOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
}

/** A folder to download into, with everything that a download reports. */
export function newDownload(): Download {
  const folder = mkdtempSync(join(tmpdir(), 'chorus-download-'));
  const clock = new HastyClock();
  const progress: SetupProgress[] = [];
  const run: Download['run'] = async (fake, { environment = {}, stallMs = 30_000, signal } = {}) => {
    const settings = readHubSettings({ HF_ENDPOINT: fake.endpoint, HOME: folder, ...environment });
    await using hub = new Hub({ ...settings, stallMs });
    const either = signal ?? new AbortController().signal;
    const listing = await hub.list('openai/gpt-oss-20b', either);
    const deps: SetupDeps = {
      clock,
      logger: { info: () => undefined, warn: () => undefined },
      environment,
      random: () => 1,
    };
    return await downloadModel(
      { hub, listing, folder, onProgress: (report) => void progress.push(report), signal: either },
      deps,
    );
  };
  return {
    folder,
    clock,
    progress,
    read: (path) => readFileSync(join(folder, path)),
    run,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
