import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { groupMembers } from '../../src/system/process-group.ts';
import { replicasReady, startChorus, type RunningChorus } from '../../test/support/chorus-process.ts';
import { FaultFolder } from '../../test/support/fault-folder.ts';

const READY_TIMEOUT_MS = 60_000;
const FILLER_BYTES = 1024 * 1024;

export interface ServiceOptions {
  readonly stateDir: string;
  readonly replicas: number;
  /** The state directory is a file system of its own, small enough to be filled. */
  readonly hasSmallDisk: boolean;
}

/** Chorus over simulated engines, and what may befall it as a whole. */
export class Service {
  readonly options: ServiceOptions;
  readonly faults: FaultFolder;
  /** Grows at every death of Chorus and at every return: a request during which it does is excused. */
  turns = 0;
  #chorus: RunningChorus;

  private constructor(options: ServiceOptions, chorus: RunningChorus, faults: FaultFolder) {
    this.options = options;
    this.faults = faults;
    this.#chorus = chorus;
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const faults = new FaultFolder();
    const chorus = await startChorus(flagsOf(options, faults), options.stateDir);
    await replicasReady(chorus, options.replicas, READY_TIMEOUT_MS);
    return new Service(options, chorus, faults);
  }

  /** Between a death and the return. */
  get isDown(): boolean {
    return this.turns % 2 === 1;
  }

  get chorus(): RunningChorus {
    return this.#chorus;
  }

  /** Of the process that is Chorus. */
  get pid(): number {
    return this.#chorus.process.pid ?? 0;
  }

  /** SIGKILL, and a new start on the same state directory. Gives the processes of the old engines that live on. */
  async killAndRestart(): Promise<number[]> {
    const { engines } = await this.#chorus.status();
    const groups = engines.flatMap(({ pid }) => pid ?? []);
    this.turns++;
    const exited = once(this.#chorus.process, 'exit');
    this.#chorus.process.kill('SIGKILL');
    await exited;
    this.#chorus = await startChorus(flagsOf(this.options, this.faults), this.options.stateDir);
    this.turns++;
    return groups.flatMap(groupMembers);
  }

  /** Leaves no byte free on the state directory's disk; the returned function frees it again. */
  fillDisk(): () => void {
    const file = join(this.options.stateDir, 'filler');
    const descriptor = openSync(file, 'w');
    for (let size = FILLER_BYTES; size >= 1; size = Math.floor(size / 2)) fillWith(descriptor, Buffer.alloc(size));
    closeSync(descriptor);
    return () => rmSync(file, { force: true });
  }

  /** SIGTERM; gives the exit code. */
  async stop(): Promise<number | null> {
    const exitCode = await this.#chorus.stop();
    this.faults.remove();
    return exitCode;
  }
}

/** A pace at which a story takes two seconds, and a drain that a run has time for. */
function flagsOf({ replicas }: ServiceOptions, faults: FaultFolder): string[] {
  const engine = ['--sim-processes', '--sim-token-interval-ms', '8'].map((word) => `--engine-arg=${word}`);
  const own = ['--engine', 'simulated', '--replicas', String(replicas), '--drain-seconds', '10'];
  return [...own, '--max-log-megabytes', '1', ...engine, ...faults.flags];
}

function fillWith(descriptor: number, filler: Buffer): void {
  try {
    for (;;) if (writeSync(descriptor, filler) < filler.length) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
