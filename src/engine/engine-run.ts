import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { signalGroup, signalProcess, sweepGroup } from '../system/process-group.ts';
import type { EngineCommand } from './command.ts';
import { diagnoseExit, type ProcessExit } from './diagnose.ts';
import type { EngineFailure } from './failures.ts';
import { nextLogFile } from './log-files.ts';
import { LogFollower } from './log-follower.ts';
import { type EngineProcess, spawnEngine } from './process.ts';
import { removeRunRecord, writeRunRecord } from './run-record.ts';

export interface RunOptions {
  readonly engineId: string;
  readonly command: EngineCommand;
  readonly socketPath: string;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly onLine: (line: string) => void;
  readonly maxLogBytes: number;
}

export interface RunEnd {
  /** Pids that SIGKILL did not end. */
  readonly survivors: readonly number[];
  /** What exit and log say about the end. */
  readonly failure: EngineFailure;
}

/** One start of an engine: its process group, its log file, its record on disk, from spawn to sweep. */
export class EngineRun {
  readonly #options: RunOptions;
  readonly #process: EngineProcess;
  readonly #follower: LogFollower | null = null;
  readonly logFile: string | null = null;
  #exit: ProcessExit | null = null;

  /** Never throws: a start that fails is a run that exits at once. */
  constructor(options: RunOptions) {
    const { engineId, command, socketPath, stateDir, clock, onLine, maxLogBytes } = options;
    this.#options = options;
    let spawned: EngineProcess | null = null;
    try {
      mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
      rmSync(socketPath, { force: true }); // vLLM never removes it, and does not start while it is there
      this.logFile = nextLogFile(join(stateDir, 'logs'), engineId);
      spawned = spawnEngine(command, this.logFile);
      this.#follower = new LogFollower(this.logFile, clock, { onLine, maxBytes: maxLogBytes });
      if (spawned.pid !== null) writeRunRecord(stateDir, engineId, spawned.pid);
      this.#process = spawned;
    } catch (error) {
      const exit: ProcessExit = { kind: 'not_started', message: (error as Error).message, programMissing: false };
      this.#process = endAs(exit, spawned);
    }
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  /** Resolves when the leader is gone. */
  async exited(): Promise<void> {
    this.#exit = await this.#process.exited;
  }

  /** SIGTERM to the leader, which ends its children in order. */
  terminate(): void {
    if (this.pid !== null) signalProcess(this.pid, 'SIGTERM');
  }

  /** SIGKILL to the whole group. */
  kill(): void {
    if (this.pid !== null) signalGroup(this.pid, 'SIGKILL');
  }

  /** Ends what is left of the group, waits until it is gone, and finds the reason of the end in the log. */
  async sweep(deadlineMs: number): Promise<RunEnd> {
    const { engineId, socketPath, stateDir, clock } = this.#options;
    const survivors = this.pid === null ? [] : await sweepGroup(this.pid, clock, deadlineMs);
    this.#follower?.stop();
    rmSync(socketPath, { force: true });
    if (survivors.length === 0) removeRunRecord(stateDir, engineId);
    const exit = this.#exit ?? { kind: 'killed', signal: 'SIGKILL' };
    return { survivors, failure: diagnoseExit(exit, this.#follower?.lines ?? []) };
  }
}

/** A process that nobody could follow, or end after a crash of Chorus, does not run on: it is killed, for the reason of `exit`. */
function endAs(exit: ProcessExit, spawned: EngineProcess | null): EngineProcess {
  if (spawned === null || spawned.pid === null) return { pid: null, exited: Promise.resolve(exit) };
  signalGroup(spawned.pid, 'SIGKILL');
  return { pid: spawned.pid, exited: spawned.exited.then(() => exit) };
}
