import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { sleep } from '../domain/clock.ts';
import { MiB } from '../domain/units.ts';
import { createVocabulary } from '../harmony/vocabulary.ts';
import { systemClock } from '../system/clock.ts';
import { readVocabulary } from '../system/vocabulary.ts';
import { parseCommandLine, type SimulatorOptions } from './command-line.ts';
import { SimulatedEngine } from './engine.ts';
import { faultFile, readFaults, watchFaults, type Faults } from './faults.ts';
import { bookMemory } from './gpu-ledger.ts';
import { logLine, startLines } from './log.ts';
import { type EngineProcesses, startProcesses } from './processes.ts';
import { createSimulatorServer } from './server.ts';

/** From the death of the engine process to the end of the server (vLLM: 5 to 7 s), shortened for tests. */
const AFTER_DEATH_MS = 300;
/** From the end of the last stream to the end of the server (vLLM: seconds), so that its last bytes are out. */
const AFTER_DRAIN_MS = 20;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const clock = systemClock;
let faults: Faults = {};
let processes: EngineProcesses | null = null;

/**
 * Runs the simulator as `vllm serve ARGS` until a signal or its engine's death ends it. Sets the exit code and leaves
 * the exit to Node, so that streams still open hold the process as they hold vLLM.
 */
async function run(args: readonly string[]): Promise<void> {
  const commandLine = parseCommandLine(args);
  if (commandLine.kind === 'refused') return end(2, `${commandLine.message}\n`);
  const { options } = commandLine;
  if (options.ignoreTerm) refuseToEnd();
  if ('socketPath' in options.listen && existsSync(options.listen.socketPath)) return addressInUse();
  const engine = new SimulatedEngine(clock, options);
  const vocabulary = createVocabulary(readVocabulary());
  const healthDelayMs = (): number => faults.healthDelayMs ?? 0;
  const server = createSimulatorServer({ options, engine, vocabulary, clock, healthDelayMs });
  suffer(faultFile(options), options, engine);
  if (faults.failStart !== undefined) return failStart(`${faults.failStart}\n`);
  if (options.hasProcesses) processes = await startProcesses(clock, fateOf(engine));
  const shortage = await bookGpuMemory(options);
  if (shortage !== null) return failStart(`(EngineCore pid=${process.pid}) ${shortage}\n`);
  if (!(await printStart(options)) || engine.dead) return failStart(workerFailure());
  try {
    server.listen('socketPath' in options.listen ? { path: options.listen.socketPath } : options.listen);
    await once(server, 'listening');
  } catch {
    return addressInUse();
  }
  process.stderr.write(`INFO:     Started server process [${process.pid}]\nINFO:     Application startup complete.\n`);
  engine.onDeath = () => endAfterDeath(server);
  if (!options.ignoreTerm) stopOnSignal(options, engine, server);
}

/** Takes what the fault file says, now and at every change. */
function suffer(file: string | null, { tokenIntervalMs }: SimulatorOptions, engine: SimulatedEngine): void {
  const take = (told: Faults): void => {
    faults = told;
    engine.setTokenInterval(told.tokenIntervalMs ?? tokenIntervalMs);
    if (told.freeze) engine.freeze();
    if (told.logMegabytes !== undefined) floodLog(told.logMegabytes);
  };
  take(readFaults(file));
  watchFaults(file, take);
}

/** A thousand lines a write. */
function floodLog(megabytes: number): void {
  const lines = logLine(clock, 'EngineCore', 'scheduler.py:1', 'x'.repeat(949)).repeat(1000);
  for (let written = 0; written < megabytes * MiB; written += lines.length) process.stdout.write(lines);
}

function fateOf(engine: SimulatedEngine): Parameters<typeof startProcesses>[1] {
  return {
    onDeath: () => engine.die(),
    onFrozen: (isFrozen) => (isFrozen ? engine.freeze() : engine.thaw()),
  };
}

/** Prints what a start prints, in its time; false when the start is to fail. */
async function printStart(options: SimulatorOptions): Promise<boolean> {
  let at = 0;
  for (const line of startLines(clock, options)) {
    await sleep(clock, (line.at - at) * options.startupMs);
    at = line.at;
    // A signal that comes while engine and workers load is lost in vLLM; before, it ends the process.
    if (at >= 0.5) loseSignals();
    process[line.stream].write(line.text);
    if (at >= 0.8 && options.crashBeforeReady) return false;
  }
  return true;
}

const nothing = (): void => {};

function loseSignals(): void {
  for (const signal of SIGNALS) process.off(signal, nothing).on(signal, nothing);
}

/** Ends once nothing runs any more, or after `--shutdown-timeout`: what runs then hangs until its client gives up. */
function stopOnSignal({ shutdownTimeoutMs }: SimulatorOptions, engine: SimulatedEngine, server: Server): void {
  const close = (): void => {
    engine.freeze();
    processes?.end();
    server.close();
  };
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    if (engine.runningCount === 0) return close();
    const cancel = clock.schedule(shutdownTimeoutMs, close);
    engine.onIdle = () => {
      cancel();
      clock.schedule(AFTER_DRAIN_MS, close);
    };
  };
  for (const signal of SIGNALS) process.on(signal, stop);
}

/** Like vLLM, which calls the death of its engine an orderly shutdown: exit code 0. */
function endAfterDeath(server: Server): void {
  process.stdout.write(logLine(clock, 'EngineCore', 'core.py:1220', 'EngineCore encountered a fatal error.'));
  clock.schedule(AFTER_DEATH_MS, () => {
    processes?.end();
    server.close();
    server.closeAllConnections();
  });
}

/** Where a test names a ledger of GPU memory: null once this engine's share is booked, else the reason against it. */
async function bookGpuMemory({ gpuMemoryUtilization: utilization }: SimulatorOptions): Promise<string | null> {
  const { CHORUS_SIM_GPU_LEDGER: ledger, CUDA_VISIBLE_DEVICES: visibleDevices } = process.env;
  if (!ledger) return null;
  const pid = processes?.workerPid ?? process.pid;
  return bookMemory(ledger, { pid, visibleDevices, utilization }, clock);
}

const workerFailure = (): string =>
  logLine(clock, 'Worker', 'multiproc_executor.py:870', 'WorkerProc failed to start.');

function failStart(cause: string): void {
  const text = 'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}';
  end(1, `${cause}(APIServer pid=${process.pid}) ${text}\n`);
}

function addressInUse(): void {
  end(1, `(APIServer pid=${process.pid}) OSError: [Errno 98] Address already in use\n`);
}

function end(exitCode: number, message: string): void {
  processes?.end();
  process.stderr.write(message);
  process.exitCode = exitCode;
}

/** A process and a child in its group that only SIGKILL ends; the child, left alone, ends by itself after ten minutes. */
function refuseToEnd(): void {
  loseSignals();
  const script = `for (const s of ${JSON.stringify(SIGNALS)}) process.on(s, () => {});
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600_000);`;
  spawn(process.execPath, ['-e', script], { stdio: 'ignore' }).unref();
}

await run(process.argv.slice(2));
