import type { GpuProcess } from '../domain/gpu.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';

/** Why an engine is not running, for people and for the decision to try again. */
export interface EngineFailure {
  readonly code: string;
  /** One sentence, the engine's own reason first. */
  readonly message: string;
  /** One sentence: what the person should do. */
  readonly remedy: string;
  /**
   * `never`: the same start would fail again. `at_once`: a collision that a second try avoids. `patiently`: what stands in
   * the way is somebody else's and may go any time, so it is tried for as long as that takes.
   */
  readonly retry: 'backoff' | 'at_once' | 'patiently' | 'never';
}

/**
 * What kind of trouble a failure is: `config` repeats itself until a person changes something, `transient` may be gone at
 * the next start, `hang` lived and did not work, `crash` is everything else.
 */
export type FailureClass = 'config' | 'transient' | 'crash' | 'hang' | 'out_of_memory' | 'gpu_lost';

const CLASSES: Readonly<Record<string, FailureClass>> = {
  host_out_of_memory: 'out_of_memory',
  gpu_out_of_memory: 'out_of_memory',
  no_kv_cache: 'out_of_memory',
  gpu_lost: 'gpu_lost',
  needs_recovery: 'gpu_lost',
  memory_repair_failed: 'gpu_lost',
  ecc_errors: 'gpu_lost',
  unkillable: 'gpu_lost',
  stalled: 'hang',
  unhealthy: 'hang',
  no_token: 'hang',
  start_too_slow: 'hang',
  engine_too_slow: 'hang',
  gpu_communication: 'transient',
  download_refused: 'transient',
  disk_full: 'transient',
  memory_busy: 'transient',
};

/** The class of a failure, by its code and, for codes without one, by what helps against it. */
export function classifyFailure({ code, retry }: EngineFailure): FailureClass {
  const byRetry = { never: 'config', at_once: 'transient', patiently: 'transient', backoff: 'crash' } as const;
  return CLASSES[code] ?? (code.startsWith('xid_') ? 'gpu_lost' : byRetry[retry]);
}

/** Chorus ended it, because it was not ready in time. */
export function startedTooSlowly(deadlineMs: number): EngineFailure {
  const message = `it was not ready within ${formatDuration(deadlineMs)}`;
  return { code: 'start_too_slow', message, remedy: 'Its log file shows how far it came.', retry: 'backoff' };
}

/** Chorus ended it, because it answered `/health` and generated nothing. */
export function madeNoToken(deadlineMs: number, reason: string): EngineFailure {
  const message = `it answered /health but made no token within ${formatDuration(deadlineMs)}: ${reason}`;
  return { code: 'no_token', message, remedy: 'Its log file has the error.', retry: 'backoff' };
}

/** Chorus ended it, because it stayed out of rotation. */
export function recoveredTooLate(reason: string): EngineFailure {
  const message = `it did not recover: ${reason}`;
  return { code: 'unhealthy', message, remedy: 'Its log file shows what it did last.', retry: 'backoff' };
}

/** Chorus ended it, because requests stood still. */
export function stoodStill(reason: string): EngineFailure {
  const remedy = 'Its log file shows what it did last; if this repeats itself, look at the card (nvidia-smi, dmesg).';
  return { code: 'stalled', message: reason, remedy, retry: 'backoff' };
}

/** The memory of its cards has not come back; `holders` are those that the driver names. */
export function memoryHeld(heldBytes: number, holders: readonly GpuProcess[]): EngineFailure {
  const named = holders.map(({ pid, name }) => (name === undefined ? `pid ${pid}` : `${name} (pid ${pid})`));
  const by = named.length > 0 ? named.join(', ') : 'a process that nvidia-smi does not name here';
  return {
    code: 'gpu_busy',
    message: `${formatBytes(heldBytes)} of its card's memory are held by ${by}`,
    remedy: 'End that process, or leave the card out; the engine starts once the memory is free.',
    retry: 'patiently',
  };
}

/** SIGKILL did not end these processes, so their memory is not free either. */
export function unkillable(pids: readonly number[]): EngineFailure {
  const message = `its processes cannot be ended: pid ${pids.join(', ')}`;
  const remedy = 'They hang in the kernel and may hold the card: see dmesg; a reboot ends them.';
  return { code: 'unkillable', message, remedy, retry: 'never' };
}

/** Another Chorus runs engines from the same state directory: sockets and logs would get mixed up. */
export function stateDirectoryInUse(ownerPid: number): EngineFailure {
  const message = `another Chorus (pid ${ownerPid}) runs its engines from this state directory`;
  return { code: 'state_directory_in_use', message, remedy: 'Stop it, or use another --state-dir.', retry: 'never' };
}

/** There is no place for the engines' sockets. */
export function noSocketDirectory(reason: string): EngineFailure {
  const message = `the folder for its socket cannot be made: ${reason}`;
  return { code: 'no_socket_directory', message, remedy: 'Use a shorter or another --state-dir.', retry: 'never' };
}
