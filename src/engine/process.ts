import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import type { EngineCommand } from './command.ts';
import type { ProcessExit } from './diagnose.ts';

export interface EngineProcess {
  /** Leader and id of its own process group; null when it could not be started. */
  readonly pid: number | null;
  /** Resolves when the leader is gone; its children may live on. Never rejects. */
  readonly exited: Promise<ProcessExit>;
}

/**
 * Starts `command` as leader of a process group of its own, its output appended to `logPath` by the process itself: a
 * pipe would stall it whenever nobody reads. Its working directory is the log's, where no Python module lies that
 * `python -m` would take for one of vLLM's. Throws when the log file cannot be opened.
 */
export function spawnEngine({ file, args, env }: EngineCommand, logPath: string): EngineProcess {
  // execa's types know the descriptors 3 to 9, its code hands any number to child_process.
  const log = openSync(logPath, 'a') as 3;
  try {
    const child = execa(file, args, {
      cwd: dirname(logPath),
      detached: true,
      cleanup: false,
      extendEnv: false,
      env,
      stdin: 'ignore',
      stdout: log,
      stderr: log,
      buffer: false,
      reject: false,
    });
    return { pid: child.pid ?? null, exited: exitOf(child, file) };
  } finally {
    closeSync(log);
  }
}

interface ExecaOutcome {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
}

async function exitOf(child: PromiseLike<ExecaOutcome>, file: string): Promise<ProcessExit> {
  const { exitCode, signal, code, originalMessage } = await child;
  if (exitCode !== undefined) return { kind: 'exited', exitCode };
  if (signal !== undefined) return { kind: 'killed', signal };
  const programMissing = code === 'ENOENT';
  const message = programMissing
    ? `there is no program ${file}`
    : (originalMessage?.split('\n')[0] ?? 'the system refused it');
  return { kind: 'not_started', message, programMissing };
}
