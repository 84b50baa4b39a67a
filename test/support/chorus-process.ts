import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readServerRecord } from '../../src/system/state-directory.ts';
import type { EnginePolicy } from '../../src/engine/policy.ts';
import type { StatusReport } from '../../src/gateway/reports.ts';
import { eventually } from './eventually.ts';
import { getJson } from './responses-client.ts';

export interface RunningChorus {
  readonly url: string;
  readonly stateDir: string;
  readonly process: ChildProcess;
  /** Everything printed so far, both streams. */
  readonly output: () => string;
  readonly status: () => Promise<StatusReport>;
  /** SIGTERM, then the exit code; removes the state directory. */
  readonly stop: () => Promise<number | null>;
}

const ROOT = new URL('../..', import.meta.url).pathname;

export const newStateDir = (): string => mkdtempSync(join(tmpdir(), 'chorus-e2e-'));

/**
 * Starts the real command, or another `program` of its kind, on a free port and waits until it listens. `stop` removes a
 * state directory that it made.
 */
export async function startChorus(
  flags: readonly string[],
  keptStateDir?: string,
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
  program: readonly string[] = ['scripts/chorus.js'],
): Promise<RunningChorus> {
  const stateDir = keptStateDir ?? newStateDir();
  rmSync(join(stateDir, 'server.json'), { force: true });
  const args = [...program, 'serve', '--port', '0', '--state-dir', stateDir, ...flags];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const append = (chunk: Buffer): void => void (printed += chunk.toString());
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const url = await eventually('the start of chorus', 60_000, () => {
    if (child.exitCode !== null) throw new Error(`chorus ended with ${child.exitCode}:\n${printed}`);
    return readServerRecord(stateDir)?.url ?? null;
  });
  return {
    url,
    stateDir,
    process: child,
    output: () => printed,
    status: async () => (await getJson<StatusReport>(`${url}/admin/status`)).body,
    stop: async () => {
      child.kill('SIGTERM');
      const code = await exited;
      if (keptStateDir === undefined) rmSync(stateDir, { recursive: true, force: true });
      return code;
    },
  };
}

const QUICK_CHORUS = new URL('children/quick-chorus.ts', import.meta.url).pathname;

/** The real command with other waiting times for its engines, on a state directory that `stop` removes. */
export function startQuickChorus(
  policy: Partial<EnginePolicy>,
  flags: readonly string[],
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
): Promise<RunningChorus> {
  return startChorus(flags, undefined, environment, [QUICK_CHORUS, JSON.stringify(policy)]);
}

/** Waits until `count` engines are in rotation. */
export function replicasReady(chorus: RunningChorus, count: number, timeoutMs: number): Promise<StatusReport> {
  return eventually(`${count} replicas ready`, timeoutMs, async () => {
    if (chorus.process.exitCode !== null) throw new Error(`chorus ended:\n${chorus.output()}`);
    const report = await chorus.status();
    return report.engines.filter(({ phase }) => phase === 'ready').length === count ? report : null;
  });
}

/** The processes (zombies apart) whose command line or environment names `marker`, as `pid command`. */
export function processesNaming(marker: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const said = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
        const zombie = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
        return said.includes(marker) && !zombie ? [`${pid} ${said.slice(0, 80).replaceAll('\0', ' ')}`] : [];
      } catch {
        return [];
      }
    });
}

/** Ends the same processes by SIGKILL. Nothing names an empty marker, which every process would have. */
export function killProcessesNaming(marker: string): void {
  for (const line of marker === '' ? [] : processesNaming(marker)) {
    try {
      process.kill(Number.parseInt(line, 10), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
