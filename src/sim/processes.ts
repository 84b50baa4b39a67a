import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CancelTimer, Clock } from '../domain/clock.ts';

/** The processes behind vLLM's API server, for tests that end or stop them by their ids. */
export interface EngineProcesses {
  /** Holds the memory of the cards. */
  readonly workerPid: number;
  /** Ends both, as an orderly end of the server does. */
  end(): void;
}

interface EngineFate {
  /** EngineCore or its worker is gone. */
  onDeath(): void;
  /** EngineCore does not run (SIGSTOP), or runs again. */
  onFrozen(isFrozen: boolean): void;
}

const HEARTBEAT_MS = 50;
/** More than a busy machine keeps a process waiting. */
const MISSED_HEARTBEATS = 10;

/** Both ignore SIGTERM, and end by themselves after ten minutes, whatever becomes of the others. */
const MEMBER = `
  const end = () => process.kill(process.pid, 'SIGKILL');
  require('node:timers').setTimeout.call(null, end, 600_000);
  process.on('SIGTERM', () => {}).on('SIGINT', () => {});
`;
/** vLLM's worker watches a pipe to EngineCore and ends with it. */
const WORKER = `
  process.title = 'VLLM::Worker';
  ${MEMBER}
  process.stdin.on('end', end).on('error', end).resume();
`;
/** EngineCore watches nobody: it outlives its server and keeps the worker alive. It gives every heartbeat back. */
const ENGINE_CORE = `
  process.title = 'VLLM::EngineCore';
  ${MEMBER}
  const worker = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(WORKER)}], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  worker.on('exit', end);
  process.stdout.on('error', () => {}).write(worker.pid + '\\n');
  process.stdin.pipe(process.stdout);
`;

/**
 * Starts EngineCore and its worker in this process group. Both outlive a server that is killed; the server learns of their death, and that they do not run, by heartbeats.
 */
export async function startProcesses(clock: Clock, fate: EngineFate): Promise<EngineProcesses> {
  const core = spawn(process.execPath, ['-e', ENGINE_CORE], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = (await once(core.stdout, 'data')) as [Buffer];
  const stopBeating = beat(core, clock, fate);
  let isOver = false;
  const over = (): boolean => {
    stopBeating();
    const before = isOver;
    isOver = true;
    return before;
  };
  core.once('exit', () => {
    if (!over()) fate.onDeath();
  });
  return {
    workerPid: Number(line.toString()),
    end() {
      over();
      core.kill('SIGKILL');
    },
  };
}

function beat({ stdin, stdout }: ChildProcess, clock: Clock, fate: EngineFate): CancelTimer {
  let missed = 0;
  let cancel: CancelTimer = () => {};
  stdin?.on('error', () => {});
  stdout?.on('data', () => {
    if (missed >= MISSED_HEARTBEATS) fate.onFrozen(false);
    missed = 0;
  });
  const tick = (): void => {
    if (++missed === MISSED_HEARTBEATS) fate.onFrozen(true);
    stdin?.write('.');
    cancel = clock.schedule(HEARTBEAT_MS, tick);
  };
  tick();
  return () => cancel();
}
