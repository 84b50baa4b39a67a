import { readFileSync, watchFile } from 'node:fs';
import { basename, join } from 'node:path';
import type { SimulatorOptions } from './command-line.ts';

/** What a test makes one engine suffer while it runs. */
export interface Faults {
  /** No further token comes and nothing ends; `/health` stays 200, as under SIGSTOP of vLLM's engine process. For good. */
  readonly freeze?: boolean;
  /** In place of `--sim-token-interval-ms`. */
  readonly tokenIntervalMs?: number;
  /** How late `/health` answers. */
  readonly healthDelayMs?: number;
  /** So many MiB are written to the log at once. */
  readonly logMegabytes?: number;
  /** A start prints this and ends with exit code 1. */
  readonly failStart?: string;
}

const POLL_MS = 50;

/**
 * The file of an engine's faults: `NAME.json` in the folder of `--sim-faults`, NAME being its socket's without `.sock`,
 * since all engines of a fleet have one command line. Null without the flag.
 */
export function faultFile({ faultFolder, listen }: SimulatorOptions): string | null {
  if (faultFolder === null) return null;
  const name = 'socketPath' in listen ? basename(listen.socketPath, '.sock') : String(listen.port);
  return join(faultFolder, `${name}.json`);
}

/** What the file says now: nothing where there is none, or half of one. */
export function readFaults(file: string | null): Faults {
  if (file === null) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Faults;
  } catch {
    return {};
  }
}

/** Calls `onChange` whenever the file appears, changes or goes; keeps no process alive. */
export function watchFaults(file: string | null, onChange: (faults: Faults) => void): void {
  if (file === null) return;
  watchFile(file, { interval: POLL_MS, persistent: false }, () => onChange(readFaults(file)));
}
