import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import type { ModelId } from '../domain/model.ts';
import type { Endpoint } from '../domain/replica.ts';
import { nextEngineLog } from '../logs/log-files.ts';
import { type ParentDeathGuard, guarded } from '../system/parent-death.ts';
import {
  groupOf,
  killGroup,
  type ProcessGroup,
  seenNow,
  signalGroup,
  signalLeader,
  sweepGroup,
} from '../system/process-group.ts';
import type { EngineCommand } from './command.ts';
import { diagnoseExit, type ProcessExit } from './diagnose.ts';
import { localProbes, type Probes } from './health.ts';
import { LogFollower } from './log-follower.ts';
import { type EngineProcess, spawnEngine } from './process.ts';
import type { Run, RunEnd } from './run.ts';
import { removeRunRecord, writeRunRecord } from './run-record.ts';

export interface RunOptions {
  readonly engineId: string;
  readonly model: ModelId;
  readonly command: EngineCommand;
  /** What makes it end with Chorus; null where there is no such thing. */
  readonly parentDeath: ParentDeathGuard | null;
  readonly socketPath: string;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly countOomKills: () => number | null;
  readonly onLine: (line: string) => void;
  readonly maxLogBytes: number;
}

/** How often the record on disk says that the group is still there: what began later than that is not proven ours. */
const RECORD_INTERVAL_MS = 2000;
/** A crash is another signal (SIGSEGV, SIGABRT, SIGBUS) or an exit code. */
const SIGNALS_BY_HAND: readonly string[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

/** One start of an engine: its process group, its log file, its record on disk, from spawn to sweep. */
export class EngineRun implements Run {
  readonly endpoint: Endpoint;
  readonly probes: Probes;
  readonly #options: RunOptions;
  readonly #process: EngineProcess;
  readonly #follower: LogFollower | null = null;
  readonly logFile: string | null = null;
  /** As of the spawn, or of the look before the last one at which it was well. */
  #oomKillsBefore: number | null;
  #oomKillsLast: number | null;
  #group: ProcessGroup | null = null;
  #recordedMs = 0;
  #exit: ProcessExit | null = null;

  /** Never throws: a start that fails is a run that exits at once. */
  constructor(options: RunOptions) {
    const { engineId, command, parentDeath, socketPath, stateDir, clock, onLine, maxLogBytes } = options;
    this.#options = options;
    this.endpoint = { socketPath };
    this.probes = localProbes({ socketPath, model: options.model, clock });
    this.#oomKillsBefore = options.countOomKills();
    this.#oomKillsLast = this.#oomKillsBefore;
    let spawned: EngineProcess | null = null;
    try {
      mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
      rmSync(socketPath, { force: true }); // vLLM never removes it, and does not start while it is there
      this.logFile = nextEngineLog(stateDir, engineId);
      const { file, args, env } = command;
      spawned = spawnEngine({ ...guarded(parentDeath, file, args, env['PATH'] ?? ''), env }, this.logFile);
      this.#follower = new LogFollower(this.logFile, clock, { onLine, maxBytes: maxLogBytes });
      if (spawned.pid !== null) {
        this.#group = groupOf(spawned.pid);
        this.#writeRecord(this.#group);
      }
      this.#process = spawned;
    } catch (error) {
      const exit: ProcessExit = { kind: 'not_started', message: (error as Error).message, programMissing: false };
      this.#process = endAs(exit, spawned);
    }
  }

  get pid(): number | null {
    return this.#process.pid;
  }

  /** Somebody ended it by a signal that no program sends itself; the kernel did not, for want of memory. */
  get wasEndedByHand(): boolean {
    return this.#exit?.kind === 'killed' && SIGNALS_BY_HAND.includes(this.#exit.signal) && !this.#wasOomKilled();
  }

  /** Says on disk, every two seconds at most, that the group is still there. */
  keepRecord(): void {
    if (this.#group === null || this.#exit || this.#options.clock.monotonicMs() - this.#recordedMs < RECORD_INTERVAL_MS)
      return;
    try {
      this.#group = seenNow(this.#group);
      this.#writeRecord(this.#group);
    } catch {
      // A full disk: the older record still holds.
    }
  }

  /** It is well: whomever the kernel has ended for want of memory some seconds ago, it was none of its processes. */
  noteHealthy(): void {
    this.#oomKillsBefore = this.#oomKillsLast;
    this.#oomKillsLast = this.#options.countOomKills();
  }

  /** Resolves when the leader is gone. */
  async exited(): Promise<void> {
    this.#exit = await this.#process.exited;
    if (this.#group) this.#group = seenNow(this.#group);
  }

  /** SIGTERM to the leader, which ends its children in order. */
  terminate(): void {
    if (this.#group) signalLeader(this.#group, 'SIGTERM');
  }

  /** SIGKILL to the whole group. */
  kill(): void {
    if (this.#group) killGroup(this.#exit ? this.#group : seenNow(this.#group));
  }

  /** Ends what is left of the group, waits until it is gone, and finds the reason of the end in the log. */
  async sweep(deadlineMs: number, hasServed: boolean): Promise<RunEnd> {
    const { engineId, socketPath, stateDir, clock } = this.#options;
    const survivors = this.#group === null ? [] : await sweepGroup(this.#group, clock, deadlineMs);
    this.#follower?.stop();
    rmSync(socketPath, { force: true });
    if (survivors.length === 0) removeRunRecord(stateDir, engineId);
    const exit = this.#exit ?? { kind: 'killed', signal: 'SIGKILL' };
    const circumstances = { hasServed, oomKilled: this.#wasOomKilled() };
    return { survivors, failure: diagnoseExit(exit, this.#follower?.lines ?? [], circumstances) };
  }

  #wasOomKilled(): boolean {
    return (this.#options.countOomKills() ?? 0) > (this.#oomKillsBefore ?? Infinity);
  }

  #writeRecord(group: ProcessGroup): void {
    const { stateDir, engineId, clock } = this.#options;
    this.#recordedMs = clock.monotonicMs();
    writeRunRecord(stateDir, engineId, group);
  }
}

/** A process that nobody could follow, or end after a crash of Chorus, does not run on: it is killed, for the reason of `exit`. */
function endAs(exit: ProcessExit, spawned: EngineProcess | null): EngineProcess {
  if (spawned === null || spawned.pid === null) return { pid: null, exited: Promise.resolve(exit) };
  signalGroup(spawned.pid, 'SIGKILL');
  return { pid: spawned.pid, exited: spawned.exited.then(() => exit) };
}
